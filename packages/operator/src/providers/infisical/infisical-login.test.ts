import { describe, expect, it } from "vitest"
import { listed } from "../../testing/secret-server.ts"
import { ProviderBusyError } from "../provider.ts"
import { providerBench, text } from "./testing/provider-bench.ts"

const bench = providerBench()
const { calls, context, open, selector, settings, store } = bench

describe("tokens", () => {
  it("are obtained anew when the server no longer accepts them", async () => {
    let isAccepted = false
    let logins = 0
    bench.server.behave({
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
    expect(bench.server.authorizations.at(-1)).toBe("Bearer token-2")
  })

  it("are renewed shortly before they expire, and replaced by a login when renewal ends", async () => {
    bench.server.behave({
      list: () => listed({ A: "1" }),
      login: () => ({ status: 200, body: { accessToken: "first", expiresIn: 100, accessTokenMaxTTL: 150 } }),
      renew: () => ({ status: 200, body: { accessToken: "second", expiresIn: 100, accessTokenMaxTTL: 150 } }),
    })
    const client = await open()
    bench.clock.advance(95_000)
    await client.getSecret({ key: "A" }, context())
    expect(calls.map((call) => call.split(" ")[0])).toEqual([
      "MachineIdentityLoginViaUniversalAuth",
      "RenewAccessToken",
      "GetSecretsV3",
    ])
    bench.clock.advance(95_000)
    await client.getSecret({ key: "A" }, context())
    expect(calls.filter((call) => call.startsWith("Machine"))).toHaveLength(2)
  })

  it("a refused login is not repeated at once, so that nobody gets locked out", async () => {
    bench.server.behave({ login: () => ({ status: 401, body: { message: "Invalid credentials" } }) })
    for (let attempt = 0; attempt < 3; attempt++) await expect(open()).rejects.toThrow("Invalid credentials")
    expect(bench.server.requests).toHaveLength(1)
    bench.clock.advance(11_000)
    await expect(open()).rejects.toThrow("Invalid credentials")
    expect(bench.server.requests).toHaveLength(2)
  })

  it("no error, whatever the server says, contains a credential", async () => {
    bench.server.behave({
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
    bench.server.behave({
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
    const asked = bench.server.requests.length
    bench.clock.advance(3_000)
    await expect(client.getSecret({ key: "A" }, context())).rejects.toThrow(ProviderBusyError)
    expect(bench.server.requests).toHaveLength(asked)
    bench.server.behave({ list: () => listed({ A: "1" }) })
    bench.clock.advance(5_000)
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
    await expect(bench.provider.open(store(kubernetes, "SecretStore"), context())).rejects.toThrow(
      "use a ClusterSecretStore",
    )
  })

  it("a certificate of another namespace is refused in a namespaced store", async () => {
    const foreign = settings(
      {},
      { caProvider: { type: "Secret", name: "ca", key: "ca.crt", namespace: "vault" } },
    )
    await expect(bench.provider.open(store(foreign, "SecretStore"), context())).rejects.toThrow(
      "caProvider.namespace must be empty",
    )
  })

  it("an access token made beforehand needs no login", async () => {
    bench.server.behave({ list: () => listed({ A: "1" }) })
    const client = await open(
      settings({}, { auth: { tokenAuthCredentials: { accessToken: selector("empty-token") } } }),
    )
    await client.getSecret({ key: "A" }, context())
    expect(bench.server.requests).toHaveLength(1)
    expect(bench.server.authorizations).toEqual(["Bearer static"])
  })

  it.for(["", "/", "/api", "/api/"])("hostAPI ending in %j reaches the same address", async (suffix) => {
    await open(settings({}, { hostAPI: `${bench.server.url}${suffix}` }))
    expect(bench.server.requests).toEqual(["POST /api/v1/auth/universal-auth/login"])
  })

  it("a server that can't be reached is a failed validation, not a crash", async () => {
    const client = await open()
    await bench.server.close()
    const validation = await client.validate(context())
    expect(validation.kind).toBe("failed")
  })
})
