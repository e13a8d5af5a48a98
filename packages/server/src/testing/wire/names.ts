import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aWorkbench } from "../workbench.ts"

/** Keys are free but for `:` and `/` (contract 3.6): what a person types, another system has, or an attacker tries. */
const oddKeys = [
  ...["A B", "a.b", "1st", "a+b", "a&b=c", "100%", "%2F", "a?b", "a#b", "a;b", "a,b", "*", "[x]", "~", "@"],
  ...['a"b', "a'b", "a\\b", "a|b", "$x", "${A}", "<b>", "a\tb", "a\nb", "a\u0001b", "\u200bz"],
  ...["ünï", "u\u0308", "日本", "😀", "İ", "__proto__", "constructor", "toString", "null", "raw", "id"],
]

/** A secret under any key that is allowed goes through all of its life on every route, and is nobody else. */
export function names(open: OpenTestStorage): void {
  it("a secret with an odd name is made, read, listed, changed and deleted under exactly that name", async () => {
    const bench = await aWorkbench(await open())
    for (const key of oddKeys) {
      const path = `/v3/secrets/raw/${encodeURIComponent(key)}`
      const read = async () => {
        const query = `workspaceId=${bench.project}&environment=prod`
        return (await bench.call("GET", `${path}?${query}`)).body.secret
      }
      const { secret } = await bench.ok("POST", path, { secretValue: `of ${key}` })
      expect(secret, key).toMatchObject({ secretKey: key, secretValue: `of ${key}`.trimEnd() })
      expect(await read(), key).toEqual(secret)
      await bench.ok("PATCH", path, { secretValue: "2" })
      expect(await read(), key).toMatchObject({ id: secret.id, secretKey: key, secretValue: "2", version: 2 })
      expect((await bench.call("POST", path, { secretValue: "3" })).status, key).toBe(400)
    }
    const listed = (await bench.list()).body.secrets.map(({ secretKey }: { secretKey: string }) => secretKey)
    expect(listed).toHaveLength(oddKeys.length)
    expect(new Set(listed)).toEqual(new Set(oddKeys))
    const secrets = oddKeys.map((secretKey) => ({ secretKey }))
    expect((await bench.ok("DELETE", "/v3/secrets/batch/raw", { secrets })).secrets).toHaveLength(
      oddKeys.length,
    )
    const made = oddKeys.map((secretKey) => ({ secretKey, secretValue: "again" }))
    await bench.ok("POST", "/v4/secrets/batch", { secrets: made })
    for (const key of oddKeys) {
      const deleted = await bench.ok("DELETE", `/v4/secrets/${encodeURIComponent(key)}`, {})
      expect(deleted.secret, key).toMatchObject({ secretKey: key, secretValue: "again" })
    }
    expect((await bench.list()).body.secrets).toEqual([])
  })

  it("a name is trimmed, keeps its case, and holds neither a colon nor a slash", async () => {
    const bench = await aWorkbench(await open())
    const put = (path: string) => bench.call("POST", `/v3/secrets/raw/${path}`, { secretValue: "1" })
    expect((await put("%20Key%20")).body.secret.secretKey).toBe("Key")
    expect((await put("KEY")).body.secret.secretKey).toBe("KEY")
    expect((await put("Key")).status).toBe(400)
    for (const path of ["a%2Fb", "a:b", "%20", "a%00b"]) {
      expect((await put(path)).status, path).toBeGreaterThanOrEqual(400)
    }
    const renamed = await bench.call("PATCH", "/v3/secrets/raw/KEY", { newSecretName: "a/b" })
    expect(renamed).toMatchObject({ status: 422, body: { error: "ValidationFailure" } })
    // A key that cannot exist does not exist: an operator that asks for one is not told that its request is broken.
    expect((await bench.read("a%2Fb")).body).toMatchObject({
      statusCode: 404,
      message: "Secret with name 'a/b' not found",
    })
  })
}
