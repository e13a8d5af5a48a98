import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aWorkbench, type Workbench } from "../workbench.ts"

/** How lists of secrets and folders are narrowed down, the same in v3 and v4 (contract 1.3, 1.4, 1.7). */
export function filters(open: OpenTestStorage): void {
  it("tags select secrets that have any of them, metadata those that have all of at most ten pairs", async () => {
    const bench = await aWorkbench(await open())
    const tag = async (slug: string): Promise<string> =>
      (await bench.ok("POST", `/v1/projects/${bench.project}/tags`, { slug, color: "" })).tag.id
    const [red, blue] = [await tag("red"), await tag("blue")]
    const secrets = [
      { secretKey: "BOTH", tagIds: [red, blue], secretMetadata: [pair("team", "a"), pair("tier", "1")] },
      { secretKey: "RED", tagIds: [red], secretMetadata: [pair("team", "a")] },
      { secretKey: "SEALED", tagIds: [], secretMetadata: [{ ...pair("team", "a"), isEncrypted: true }] },
    ].map((secret) => ({ ...secret, secretValue: "1" }))
    await bench.ok("POST", "/v4/secrets/batch", { secrets })
    for (const list of [v3, v4].map((version) => version(bench))) {
      expect(await list("tagSlugs=blue,none")).toEqual(["BOTH"])
      expect(await list("tagSlugs=red,blue")).toEqual(["BOTH", "RED"])
      expect(await list("tagSlugs=")).toEqual(["BOTH", "RED", "SEALED"])
      expect(await list("tagSlugs=none")).toEqual([])
      expect(await list(metadata(["team", "a"]))).toEqual(["BOTH", "RED"])
      expect(await list(metadata(["team", "a"], ["tier", "1"]))).toEqual(["BOTH"])
      expect(await list(metadata(["team", "b"]))).toEqual([])
      const many = Array.from({ length: 11 }, (_, index): [string, string] => [`k${index}`, "v"])
      expect(await list(metadata(...many.slice(0, 10)))).toEqual([])
      expect(await list(metadata(...many))).toBe(400)
    }
  })

  it("folders are listed by when their secrets last changed", async () => {
    const bench = await aWorkbench(await open())
    const { clock } = bench.instance.test
    for (const name of ["/empty", "/old", "/new"]) await bench.folder(name)
    await bench.put("A", "1", "/old")
    clock.advance(60_000)
    const since = new Date(clock.now()).toISOString()
    await bench.put("A", "1", "/new")
    for (const [version, projectField] of [
      ["v1", "workspaceId"],
      ["v2", "projectId"],
    ]) {
      const url = `/${version}/folders?${projectField}=${bench.project}&environment=prod`
      const names = async (more: string) =>
        (await bench.ok("GET", `${url}${more}`)).folders.map((folder: { name: string }) => folder.name)
      expect(await names("")).toEqual(["empty", "new", "old"])
      expect(await names("&lastSecretModified=")).toEqual(["empty", "new", "old"])
      expect(await names(`&lastSecretModified=${since}`)).toEqual(["new"])
      expect((await bench.call("GET", `${url}&lastSecretModified=lately`)).status).toBe(422)
    }
  })
}

const pair = (key: string, value: string) => ({ key, value })

function metadata(...pairs: readonly (readonly [string, string])[]): string {
  const text = pairs.map(([key, value]) => `key=${key},value=${value}`).join("|")
  return `metadataFilter=${encodeURIComponent(text)}`
}

/** Lists by one version: the keys that a query selects, or the status when it is refused. */
type ListKeys = (query: string) => Promise<readonly string[] | number>

function listKeys(bench: Workbench, url: string): ListKeys {
  return async (query) => {
    const { status, body } = await bench.call("GET", `${url}&environment=prod&${query}`)
    return status === 200 ? body.secrets.map((secret: { secretKey: string }) => secret.secretKey) : status
  }
}

const v3 = (bench: Workbench) => listKeys(bench, `/v3/secrets/raw?workspaceId=${bench.project}`)
const v4 = (bench: Workbench) => listKeys(bench, `/v4/secrets?projectId=${bench.project}`)
