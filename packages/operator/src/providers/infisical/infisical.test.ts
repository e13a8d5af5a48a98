import { readFileSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "@coffer/kube-runtime"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import {
  found,
  listed,
  type SecretServer,
  secretMissing,
  startSecretServer,
} from "../../testing/secret-server.ts"
import type { CredentialReader } from "../credentials.ts"
import {
  NoSecretError,
  type Provider,
  ProviderBusyError,
  type ReadContext,
  type StoreToOpen,
} from "../provider.ts"
import { createInfisicalProvider } from "./index.ts"

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const text = (value: Uint8Array) => Buffer.from(value).toString()

/** A clock whose wall time tests move by hand. */
const movableClock = () => {
  let nowMs = 1_000_000
  return { ...systemClock, nowMs: () => nowMs, advance: (ms: number) => (nowMs += ms) }
}

let server: SecretServer
let provider: Provider & { close(): Promise<void> }
let clock: ReturnType<typeof movableClock>
let resourceVersion = "1"
const calls: string[] = []

const credentials: CredentialReader = {
  read: async (_kind, namespace, name) => {
    if (name === "missing")
      throw new Error(`cannot get Kubernetes secret "missing" from namespace "${namespace}"`)
    return {
      resourceVersion,
      data: new Map([
        ["id", bytes("cid")],
        ["secret", bytes("csecret")],
        ["empty-token", bytes("static")],
      ]),
    }
  },
}

const selector = (key: string, name = "credentials") => ({ name, namespace: "vault", key })
const settings = (scope: object = {}, more: object = {}) => ({
  hostAPI: `${server.url}/api`,
  auth: { universalAuthCredentials: { clientId: selector("id"), clientSecret: selector("secret") } },
  secretsScope: { projectSlug: "shop", environmentSlug: "prod", secretsPath: "/", ...scope },
  ...more,
})
const store = (
  value: unknown = settings(),
  kind: StoreToOpen["kind"] = "ClusterSecretStore",
): StoreToOpen => ({
  kind,
  name: "infisical",
  namespace: "apps",
  settings: value,
})
const context = (): ReadContext => ({ signal: AbortSignal.timeout(10_000), notOlderThanMs: clock.nowMs() })
const open = (value?: unknown) => provider.open(store(value), context())

beforeEach(async () => {
  server = await startSecretServer({})
  clock = movableClock()
  resourceVersion = "1"
  calls.length = 0
  provider = createInfisicalProvider({
    credentials,
    clock,
    onCall: ({ name, outcome }) => calls.push(`${name} ${outcome}`),
  })
})
afterEach(async () => {
  await provider.close()
  await server.close()
})

describe("one secret", () => {
  it("is answered by the list of its folder", async () => {
    server.behave({ list: () => listed({ A: "1", B: "2" }) })
    const client = await open()
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("1")
    expect(text(await client.getSecret({ key: "B" }, context()))).toBe("2")
    expect(server.requests.map((request) => request.replace(/\?.*/, ""))).toEqual([
      "POST /api/v1/auth/universal-auth/login",
      "GET /api/v3/secrets/raw",
    ])
  })

  it("that the list lacks is asked for alone, with the recorded request", async () => {
    server.behave({ single: (name) => found(name, "alone") })
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
    expect(recordedRequests).toContain(server.requests.at(-1))
    await client.findSecrets({}, context())
    const lists = server.requests.filter(
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
    server.behave({ single: () => ({ status: 404, body: { message, error: "NotFound" } }) })
    const client = await open()
    const error = await client.getSecret({ key: "A" }, context()).catch((reason: unknown) => reason)
    expect(error instanceof NoSecretError).toBe(isMissing)
    if (!isMissing) expect((error as Error).message).toContain(JSON.stringify(message))
  })

  it("whose value the list hides is asked for alone", async () => {
    server.behave({
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
    server.behave({
      list: () => ({ status: 403, body: { message: "no" } }),
      single: (name) => found(name, "alone"),
    })
    const client = await open()
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("alone")
  })

  it.for([500, 502, 503])("is not asked for alone when the list fails with %d", async (status) => {
    server.behave({
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
    server.behave({
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
    server.behave({ list: () => listed({ A: value }) })
    const client = await open()
    expect(text(await client.getSecret({ key: "A", property }, context()))).toBe(expected)
  })

  it("without the property is an error that does not quote the value", async () => {
    server.behave({ list: () => listed({ A: '{"password":"hunter2"}' }) })
    const client = await open()
    const attempt = client.getSecret({ key: "A", property: "nope" }, context())
    await expect(attempt).rejects.toThrow("property nope does not exist in secret A")
  })

  it("recursive lists only answer for the folder that was asked", async () => {
    server.behave({
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
    server.behave({
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

  it("an empty folder is an answer, a folder that isn't there is an error", async () => {
    const client = await open()
    expect((await client.findSecrets({}, context())).size).toBe(0)
    server.behave({
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
    server.behave({ list: () => listed({ A: "1" }) })
    const clients = await Promise.all(Array.from({ length: 20 }, () => open()))
    const at = context()
    await Promise.all(clients.map((client) => client.getSecret({ key: "A" }, at)))
    await clients[0]!.validate(at)
    expect(calls).toEqual(["MachineIdentityLoginViaUniversalAuth success", "GetSecretsV3 success"])
  })

  it("an unchanged list is asked for with its ETag and answered from memory", async () => {
    server.behave({ list: () => listed({ A: "1" }) })
    const client = await open()
    await client.getSecret({ key: "A" }, context())
    clock.advance(60_000)
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("1")
    expect(calls.filter((call) => call.startsWith("GetSecrets"))).toHaveLength(2)
    server.behave({ list: () => listed({ A: "changed" }) })
    clock.advance(60_000)
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("changed")
  })

  it("other credentials, folders and flags share nothing", async () => {
    server.behave({ list: () => listed({ A: "1" }) })
    const at = context()
    await (await open()).getSecret({ key: "A" }, at)
    await (await open(settings({ expandSecretReferences: false }))).getSecret({ key: "A" }, at)
    await (await open(settings({ environmentSlug: "dev" }))).getSecret({ key: "A" }, at)
    resourceVersion = "2"
    await (await open()).getSecret({ key: "A" }, at)
    expect(calls.filter((call) => call.startsWith("Machine"))).toHaveLength(2)
    expect(calls.filter((call) => call.startsWith("GetSecretsV3"))).toHaveLength(4)
  })
})

describe("tokens", () => {
  it("are obtained anew when the server no longer accepts them", async () => {
    let isAccepted = false
    let logins = 0
    server.behave({
      login: () => ({
        status: 200,
        body: { accessToken: `token-${++logins}`, expiresIn: 3600, accessTokenMaxTTL: 0 },
      }),
      list: () => {
        const answer = isAccepted
          ? listed({ A: "1" })
          : { status: 401, body: { message: "token has been revoked" } }
        isAccepted = true
        return answer
      },
    })
    const client = await open()
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("1")
    expect(server.authorizations.at(-1)).toBe("Bearer token-2")
  })

  it("are renewed shortly before they expire, and replaced by a login when renewal ends", async () => {
    server.behave({
      list: () => listed({ A: "1" }),
      login: () => ({ status: 200, body: { accessToken: "first", expiresIn: 100, accessTokenMaxTTL: 150 } }),
      renew: () => ({ status: 200, body: { accessToken: "second", expiresIn: 100, accessTokenMaxTTL: 150 } }),
    })
    const client = await open()
    clock.advance(95_000)
    await client.getSecret({ key: "A" }, context())
    expect(calls.map((call) => call.split(" ")[0])).toEqual([
      "MachineIdentityLoginViaUniversalAuth",
      "RenewAccessToken",
      "GetSecretsV3",
    ])
    clock.advance(95_000)
    await client.getSecret({ key: "A" }, context())
    expect(calls.filter((call) => call.startsWith("Machine"))).toHaveLength(2)
  })

  it("a refused login is not repeated at once, so that nobody gets locked out", async () => {
    server.behave({ login: () => ({ status: 401, body: { message: "Invalid credentials" } }) })
    for (let attempt = 0; attempt < 3; attempt++) await expect(open()).rejects.toThrow("Invalid credentials")
    expect(server.requests).toHaveLength(1)
    clock.advance(11_000)
    await expect(open()).rejects.toThrow("Invalid credentials")
    expect(server.requests).toHaveLength(2)
  })

  it("no error, whatever the server says, contains a credential", async () => {
    server.behave({
      login: () => ({
        status: 422,
        body: { message: [{ path: ["clientSecret"], message: "too short", received: "csecret" }] },
      }),
    })
    const error = (await open().catch((reason: unknown) => reason)) as Error
    expect(error.message).toContain("clientSecret: too short")
    expect(error.message).not.toContain("csecret")
    expect(error.message).not.toContain("cid")
  })
})

describe("a busy server", () => {
  it("that answers 429 is left alone as long as it asks", async () => {
    server.behave({
      list: () => ({
        status: 429,
        body: { message: "Rate limit exceeded" },
        headers: { "retry-after": "7" },
      }),
    })
    const client = await open()
    const error = await client.getSecret({ key: "A" }, context()).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ProviderBusyError)
    expect((error as ProviderBusyError).retryAfterMs).toBe(7_000)
    const asked = server.requests.length
    clock.advance(3_000)
    await expect(client.getSecret({ key: "A" }, context())).rejects.toThrow(ProviderBusyError)
    expect(server.requests).toHaveLength(asked)
    server.behave({ list: () => listed({ A: "1" }) })
    clock.advance(5_000)
    expect(text(await client.getSecret({ key: "A" }, context()))).toBe("1")
  })
})

describe("opening a store", () => {
  it.for([
    [
      "missing credentials",
      () =>
        settings(
          {},
          {
            auth: {
              universalAuthCredentials: {
                clientId: selector("id", "missing"),
                clientSecret: selector("secret"),
              },
            },
          },
        ),
      "cannot get Kubernetes secret",
    ],
    [
      "a missing key",
      () =>
        settings(
          {},
          {
            auth: {
              universalAuthCredentials: { clientId: selector("nope"), clientSecret: selector("secret") },
            },
          },
        ),
      'cannot find secret data for key: "nope"',
    ],
    ["an empty slug", () => settings({ projectSlug: "" }), "cannot be empty"],
    ["no method", () => settings({}, { auth: {} }), "authentication method not found"],
    [
      "a method of later",
      () => settings({}, { auth: { awsAuthCredentials: { identityId: selector("id") } } }),
      "auth.awsAuthCredentials is not supported yet",
    ],
    ["a bad address", () => settings({}, { hostAPI: "ftp://x" }), "is not an http or https address"],
    [
      "a bad certificate",
      () => settings({}, { caBundle: "aGVsbG8=" }),
      "caBundle does not begin with a PEM certificate",
    ],
  ] as const)("%s is refused with a clear text", async ([, make, message]) => {
    await expect(open(make())).rejects.toThrow(message)
  })

  it("a namespaced store may not make the operator present its own token", async () => {
    const kubernetes = settings({}, { auth: { kubernetesAuthCredentials: { identityId: selector("id") } } })
    await expect(provider.open(store(kubernetes, "SecretStore"), context())).rejects.toThrow(
      "use a ClusterSecretStore",
    )
  })

  it("a certificate of another namespace is refused in a namespaced store", async () => {
    const foreign = settings(
      {},
      { caProvider: { type: "Secret", name: "ca", key: "ca.crt", namespace: "vault" } },
    )
    await expect(provider.open(store(foreign, "SecretStore"), context())).rejects.toThrow(
      "caProvider.namespace must be empty",
    )
  })

  it("an access token made beforehand needs no login", async () => {
    server.behave({ list: () => listed({ A: "1" }) })
    const client = await open(
      settings({}, { auth: { tokenAuthCredentials: { accessToken: selector("empty-token") } } }),
    )
    await client.getSecret({ key: "A" }, context())
    expect(server.requests).toHaveLength(1)
    expect(server.authorizations).toEqual(["Bearer static"])
  })

  it.for(["", "/", "/api", "/api/"])("hostAPI ending in %j reaches the same address", async (suffix) => {
    await open(settings({}, { hostAPI: `${server.url}${suffix}` }))
    expect(server.requests).toEqual(["POST /api/v1/auth/universal-auth/login"])
  })

  it("a server that can't be reached is a failed validation, not a crash", async () => {
    const client = await open()
    await server.close()
    const validation = await client.validate(context())
    expect(validation.kind).toBe("failed")
  })
})
