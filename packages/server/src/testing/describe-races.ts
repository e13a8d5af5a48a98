import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Json = Readonly<Record<string, unknown>>

/** The same request from several callers at once: one is done, the others are told why not, and none fails. */
export function describeRaces(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "two at once", (open) => {
    const make = async () => aWorkbench(await open())

    /** Statuses of the same call made four times at once, the lowest first. */
    const statuses = async (bench: Workbench, method: string, url: string, body?: Json) => {
      const answers = await Promise.all(Array.from({ length: 4 }, () => bench.call(method, url, body)))
      return answers.map(({ status }) => status).sort()
    }
    const once = [200, 400, 400, 400]

    it("one name is given once", async () => {
      const bench = await make()
      const { project, instance } = bench
      const { identity } = await bench.ok("POST", "/v1/identities", {
        name: "m",
        organizationId: instance.orgId,
        role: "no-access",
      })
      const rules = [{ subject: "secrets", action: "readValue" }]
      const table: readonly (readonly [string, Json])[] = [
        ["/v1/groups", { name: "Team", slug: "team" }],
        ["/coffer/v1/invitations", { email: "somebody@example.com", role: "member" }],
        [`/v1/projects/${project}/roles`, { slug: "own", name: "Own", permissions: rules }],
        [`/v1/projects/${project}/tags`, { slug: "tag", color: "#000" }],
        [`/v1/projects/${project}/environments`, { slug: "qa", name: "QA" }],
        [`/v2/workspace/${project}/identity-memberships/${identity.id}`, { role: "viewer" }],
        [`/v1/auth/universal-auth/identities/${identity.id}`, {}],
        [`/v1/auth/token-auth/identities/${identity.id}`, {}],
        ["/v4/secrets/KEY", { secretValue: "v" }],
        ["/v1/projects", { projectName: "Other", slug: "other-project" }],
      ]
      for (const [url, body] of table)
        expect([url, await statuses(bench, "POST", url, body)]).toEqual([url, once])
    })
  })
}
