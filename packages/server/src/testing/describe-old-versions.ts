import { expect, it } from "vitest"
import { aReader } from "./a-reader.ts"
import type { Workbench } from "./workbench.ts"

/** Rules look at names and tags: those of the past must not be a way around those of today. */
export function describeOldVersions(make: () => Promise<Workbench>): void {
  it("an old version of a secret opens nothing that its present name and tags close", async () => {
    const bench = await make()
    const { project } = bench
    const { tag } = await bench.ok("POST", `/v1/projects/${project}/tags`, { slug: "closed", color: "#0a0" })
    const { id } = await bench.put("TAGGED", "the same as ever")
    await bench.put("EARLIER", "the same as ever")
    const { token } = await aReader(bench.instance, project, [
      { subject: "secrets", action: ["describeSecret", "readValue"] },
      {
        subject: "secrets",
        action: "readValue",
        inverted: true,
        conditions: { secretTags: { $in: ["closed"] } },
      },
      { subject: "secrets", action: "readValue", inverted: true, conditions: { secretName: "RENAMED" } },
    ])
    await bench.ok("PATCH", "/v4/secrets/TAGGED", { tagIds: [tag.id] })
    await bench.ok("PATCH", "/v4/secrets/EARLIER", { newSecretName: "RENAMED" })
    const history = `/coffer/v1/projects/${project}/history/secrets/${id}`
    for (const url of [
      `/v4/secrets/TAGGED?projectId=${project}&environment=prod&version=1`,
      `/v4/secrets/RENAMED?projectId=${project}&environment=prod&version=1`,
      `/v3/secrets/raw/TAGGED?workspaceId=${project}&environment=prod&version=1`,
      `/v1/secret/${id}/secret-versions?offset=0&limit=20`,
      `/v1/dashboard/secret-versions/${id}?offset=0&limit=20`,
      `${history}?includeValue=true`,
      `${history}/diff?from=1&to=2&includeValue=true`,
    ]) {
      const { status, text } = await bench.instance.test.call("GET", url, { token })
      expect({ url, status }).toEqual({ url, status: expect.toBeOneOf([200, 403]) })
      expect(text, url).not.toContain("the same as ever")
    }
    const bare = `/v4/secrets/TAGGED?projectId=${project}&environment=prod&version=1&viewSecretValue=false`
    expect((await bench.instance.test.call("GET", bare, { token })).body.secret).toMatchObject({
      version: 1,
      secretValueHidden: true,
    })
  })
}
