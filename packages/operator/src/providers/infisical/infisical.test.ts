import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { found, listed, secretMissing } from "../../testing/secret-server.ts"
import { NoSecretError } from "../provider.ts"
import { providerBench, text } from "./testing/provider-bench.ts"

const bench = providerBench()
const { calls, context, open, settings } = bench

describe("one secret", () => {
  it("is answered by the list of its folder", async () => {
    bench.server.behave({ list: () => listed({ A: "1", B: "2" }) })
    const client = await open()
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("1")
    expect(text(await client.getSecret({ key: "B" }, context()))).toBe("2")
    expect(bench.server.requests.map((request) => request.replace(/\?.*/, ""))).toEqual([
      "POST /api/v1/auth/universal-auth/login",
      "GET /api/v3/secrets/raw",
    ])
  })

  it("that the list lacks is asked for alone, with the recorded request", async () => {
    bench.server.behave({ single: (name) => found(name, "alone") })
    const client = await open(settings({ projectSlug: "frank-cluster-iwpg" }))
    expect(text(await client.getSecret({ key: "/db/PASSWORD" }, context()))).toBe("alone")
    const recordedRequests = readFileSync(
      join(import.meta.dirname, "../../fixtures/recorded/http-eso-2.9.jsonl"),
      "utf8",
    )
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { method: string; url: string })
      .map(({ method, url }) => `${method} ${url}`)
    expect(recordedRequests).toContain(bench.server.requests.at(-1))
    await client.findSecrets({}, context())
    const lists = bench.server.requests.filter(
      (request) => request.includes("/raw?") && request.includes("secretPath=%2F&"),
    )
    expect(recordedRequests).toContain(lists[0])
  })

  it.for([
    ["Secret with name 'A' not found", true],
    ["Secret not found", true],
    ["Project with slug 'shop' not found", false],
    ["Environment with slug 'prod' in project with ID 1 not found", false],
    ["Folder with path '/p' in environment with slug 'e' not found", false],
    ["Secret folder with path '/x' not found", false],
    ["page not found", false],
  ] as const)("404 %j means missing: %s", async ([message, isMissing]) => {
    bench.server.behave({ single: () => ({ status: 404, body: { message, error: "NotFound" } }) })
    const client = await open()
    const error = await client.getSecret({ key: "A" }, context()).catch((reason: unknown) => reason)
    expect(error instanceof NoSecretError).toBe(isMissing)
    if (!isMissing) expect((error as Error).message).toContain(JSON.stringify(message))
  })

  it("whose value the list hides is asked for alone", async () => {
    bench.server.behave({
      list: () => ({
        status: 200,
        body: {
          secrets: [{ secretKey: "A", secretValue: "<hidden-by-infisical>", secretValueHidden: true }],
        },
      }),
      single: () => ({
        status: 403,
        body: { message: "You are not allowed to read on secrets", error: "PermissionDenied" },
      }),
    })
    const client = await open()
    await expect(client.getSecret({ key: "A" }, context())).rejects.toThrow("status-code=403")
  })

  it("under a list that was refused is asked for alone", async () => {
    bench.server.behave({
      list: () => ({ status: 403, body: { message: "no" } }),
      single: (name) => found(name, "alone"),
    })
    const client = await open()
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("alone")
  })

  it.for([500, 502, 503])("is not asked for alone when the list fails with %d", async (status) => {
    bench.server.behave({
      list: () => ({ status, body: { message: "Something went wrong" } }),
      single: (name) => found(name, "x"),
    })
    const client = await open()
    await expect(client.getSecret({ key: "A" }, context())).rejects.toThrow(`status-code=${status}`)
  })

  it("that several imports hold is asked for alone, one that a single import holds is not", async () => {
    const imported = (value: string, key: string) => ({
      secretPath: "/i",
      environment: "prod",
      secrets: [{ secretKey: key, secretValue: value }],
    })
    bench.server.behave({
      list: () => ({
        status: 200,
        body: {
          secrets: [],
          imports: [imported("first", "A"), imported("second", "A"), imported("only", "B")],
        },
      }),
      single: (name) => found(name, "later import"),
    })
    const client = await open()
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("later import")
    expect(text(await client.getSecret({ key: "B" }, context()))).toBe("only")
    const all = await client.findSecrets({}, context())
    expect(text(all.get("A")!)).toBe("first")
  })

  it.for([
    ['{"n":12.50}', "n", "12.5"],
    ['{"b":true}', "b", "true"],
    ['{"o":{"x":1}}', "o", '{"x":1}'],
    ['{"s":"text"}', "s", "text"],
  ] as const)("property of %s: %s is %s", async ([value, property, expected]) => {
    bench.server.behave({ list: () => listed({ A: value }) })
    const client = await open()
    expect(text(await client.getSecret({ key: "A", property }, context()))).toBe(expected)
  })

  it("without the property is an error that does not quote the value", async () => {
    bench.server.behave({ list: () => listed({ A: '{"password":"hunter2"}' }) })
    const client = await open()
    const attempt = client.getSecret({ key: "A", property: "nope" }, context())
    await expect(attempt).rejects.toThrow("property nope does not exist in secret A")
  })

  it("recursive lists only answer for the folder that was asked", async () => {
    bench.server.behave({
      list: () => ({
        status: 200,
        body: {
          secrets: [
            { secretKey: "A", secretValue: "sub", secretPath: "/sub" },
            { secretKey: "B", secretValue: "root", secretPath: "/" },
          ],
        },
      }),
      single: (name) => secretMissing(name),
    })
    const client = await open(settings({ recursive: true }))
    await expect(client.getSecret({ key: "A" }, context())).rejects.toThrow(NoSecretError)
    expect(text(await client.getSecret({ key: "B" }, context()))).toBe("root")
  })
})

describe("find", () => {
  it("filters by name and by path prefix", async () => {
    bench.server.behave({
      list: () => ({
        status: 200,
        body: {
          secrets: [
            { secretKey: "APP_A", secretValue: "1", secretPath: "/foo" },
            { secretKey: "APP_B", secretValue: "2", secretPath: "/foobar" },
            { secretKey: "OTHER", secretValue: "3", secretPath: "/foo" },
            { secretKey: "APP_C", secretValue: "4", secretPath: "/bar" },
          ],
        },
      }),
    })
    const client = await open()
    expect([
      ...(await client.findSecrets({ name: { regexp: "^APP" }, path: "/foo" }, context())).keys(),
    ]).toEqual(["APP_A", "APP_B"])
    expect((await client.findSecrets({}, context())).size).toBe(4)
    await expect(client.findSecrets({ tags: { a: "b" } }, context())).rejects.toThrow(
      "find by tags not supported",
    )
  })

  const refused = { status: 403, body: { message: "You are not allowed to readValue on secrets: 'SHUT'" } }
  const names = (secrets: readonly string[], imported: readonly string[] = []) => {
    const hidden = (secretKey: string) => ({
      secretKey,
      secretValue: "<hidden-by-infisical>",
      secretValueHidden: true,
      secretPath: "/",
    })
    const imports = [{ secretPath: "/i", environment: "prod", secrets: imported.map(hidden) }]
    return { status: 200, body: { secrets: secrets.map(hidden), imports } }
  }
  const valuesRefused = (secrets: readonly string[], imported: readonly string[] = []) =>
    bench.server.behave({
      list: (query) => (query.get("viewSecretValue") === "false" ? names(secrets, imported) : refused),
      single: (name) => (name === "SHUT" ? refused : found(name, `value of ${name}`)),
    })

  it("where one value may not be read, finds the others that it is about, and never a placeholder", async () => {
    valuesRefused(["APP_A", "APP_B", "SHUT"])
    const client = await open()
    expect(await client.validate(context())).toEqual({ kind: "ready" })
    const matching = await client.findSecrets({ name: { regexp: "^APP" } }, context())
    expect([...matching].map(([key, value]) => `${key}=${text(value)}`)).toEqual([
      "APP_A=value of APP_A",
      "APP_B=value of APP_B",
    ])
    await expect(client.findSecrets({}, context())).rejects.toThrow("status-code=403")
    expect(text(await client.getSecret({ key: "APP_A" }, context()))).toBe("value of APP_A")
    await expect(client.getSecret({ key: "SHUT" }, context())).rejects.toThrow("status-code=403")
  })

  it("where one value may not be read, the imported ones are refused with it", async () => {
    valuesRefused(["APP_A", "SHUT"], ["APP_B"])
    const client = await open()
    const attempt = client.findSecrets({ name: { regexp: "^APP" } }, context())
    await expect(attempt).rejects.toThrow("status-code=403")
  })

  it("a store whose identity may not even list names is not ready", async () => {
    bench.server.behave({ list: () => refused })
    expect(await (await open()).validate(context())).toMatchObject({ kind: "failed" })
  })

  it("a name that is gone by the time it is asked for is an error, not an absent secret", async () => {
    bench.server.behave({ list: () => names(["A"]), single: (name) => secretMissing(name) })
    const attempt = (await open()).findSecrets({}, context())
    const error = await attempt.catch((reason: unknown) => reason)
    expect(error).not.toBeInstanceOf(NoSecretError)
    expect(error).toMatchObject({ message: expect.stringContaining("secret A was listed, and is missing") })
  })

  it("an empty folder is an answer, a folder that isn't there is an error", async () => {
    const client = await open()
    expect((await client.findSecrets({}, context())).size).toBe(0)
    bench.server.behave({
      single: () => ({
        status: 404,
        body: { message: "Folder with path '/p' in environment with slug 'prod' not found" },
      }),
    })
    await expect(client.findSecrets({}, context())).rejects.toThrow("Folder with path")
  })
})

describe("sharing", () => {
  it("callers at the same time share one login and one list", async () => {
    bench.server.behave({ list: () => listed({ A: "1" }) })
    const clients = await Promise.all(Array.from({ length: 20 }, () => open()))
    const at = context()
    await Promise.all(clients.map((client) => client.getSecret({ key: "A" }, at)))
    await clients[0]!.validate(at)
    expect(calls).toEqual(["MachineIdentityLoginViaUniversalAuth success", "GetSecretsV3 success"])
  })

  it("an unchanged list is asked for with its ETag and answered from memory", async () => {
    bench.server.behave({ list: () => listed({ A: "1" }) })
    const client = await open()
    await client.getSecret({ key: "A" }, context())
    bench.clock.advance(60_000)
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("1")
    expect(calls.filter((call) => call.startsWith("GetSecrets"))).toHaveLength(2)
    bench.server.behave({ list: () => listed({ A: "changed" }) })
    bench.clock.advance(60_000)
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("changed")
  })

  it("other credentials, folders and flags share nothing", async () => {
    bench.server.behave({ list: () => listed({ A: "1" }) })
    const at = context()
    await (await open()).getSecret({ key: "A" }, at)
    await (await open(settings({ expandSecretReferences: false }))).getSecret({ key: "A" }, at)
    await (await open(settings({ environmentSlug: "dev" }))).getSecret({ key: "A" }, at)
    bench.resourceVersion = "2"
    await (await open()).getSecret({ key: "A" }, at)
    expect(calls.filter((call) => call.startsWith("Machine"))).toHaveLength(2)
    expect(calls.filter((call) => call.startsWith("GetSecretsV3"))).toHaveLength(4)
  })
})
