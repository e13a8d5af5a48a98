import { aClock } from "@coffer/testkit"
import { afterEach, describe, expect, it, vi } from "vitest"
import { aCertificate } from "../../testing/a-certificate.ts"
import { type Issuer, KeySets } from "./key-sets.ts"
import { LoginRefusal } from "./login-refusal.ts"
import { aKey, orReason, providers } from "./testing/a-provider.ts"
import { verifyWithKeySet } from "./verify-jwt.ts"

const aProvider = providers()
afterEach(() => {
  vi.restoreAllMocks()
})

function at(url: string, more: Partial<Issuer> = {}): Issuer {
  return { url, caPem: "", allowPrivateAddresses: true, ...more }
}

/** The subject, or why there is none. */
async function outcome(keys: ReturnType<KeySets["keysAt"]>, jwt: string): Promise<string | undefined> {
  const claims = await orReason(verifyWithKeySet(keys, jwt, Date.now()))
  return typeof claims === "string" ? claims : claims.sub
}

const minuteMs = 60_000

/** The library of key sets looks at the clock of the machine. */
function laterBy(ms: number): void {
  const real = Date.now()
  vi.spyOn(Date, "now").mockReturnValue(real + ms)
}

describe("the keys of an issuer", () => {
  const open = async (keys: readonly object[]) => {
    const provider = await aProvider({ "/keys": { body: { keys } } })
    const sets = new KeySets(aClock())
    const verify = (jwt: string, more: Partial<Issuer> = {}) =>
      outcome(sets.keysAt(at(`${provider.url}/keys`, more)), jwt)
    return { provider, verify }
  }

  it("are not asked for again for every key id that somebody makes up", async () => {
    const key = await aKey("a")
    const { provider, verify } = await open([key.jwk])
    expect(await verify(await key.sign())).toBe("a")
    for (const kid of ["b", "c", "d"]) expect(await verify(await key.sign({ kid }))).toBe("invalid-signature")
    laterBy(29_000)
    expect(await verify(await key.sign({ kid: "e" }))).toBe("invalid-signature")
    expect(provider.asked).toHaveLength(1)
  })

  it("are asked for again for a key id that is new after half a minute", async () => {
    const [old, fresh] = [await aKey("old"), await aKey("fresh")]
    const { provider, verify } = await open([old.jwk])
    expect(await verify(await old.sign())).toBe("old")
    provider.answers["/keys"] = { body: { keys: [old.jwk, fresh.jwk] } }
    laterBy(31_000)
    expect(await verify(await fresh.sign())).toBe("fresh")
    expect(provider.asked).toHaveLength(2)
  })

  it("are kept for ten minutes: one that was withdrawn opens nothing then, also while the issuer is away", async () => {
    const [old, fresh] = [await aKey("old"), await aKey("fresh")]
    const { provider, verify } = await open([old.jwk])
    expect(await verify(await old.sign())).toBe("old")
    provider.answers["/keys"] = { status: 500, body: "" }
    laterBy(10 * minuteMs + 1_000)
    expect(await verify(await old.sign())).toBe("provider-unavailable")
    provider.answers["/keys"] = { body: { keys: [fresh.jwk] } }
    expect(await verify(await old.sign())).toBe("invalid-signature")
    expect(await verify(await fresh.sign())).toBe("fresh")
  })

  it("that were fetched where private addresses may be asked serve nobody else", async () => {
    const key = await aKey("a")
    const { provider, verify } = await open([key.jwk])
    expect(await verify(await key.sign())).toBe("a")
    expect(await verify(await key.sign(), { allowPrivateAddresses: false })).toBe("provider-unavailable")
    expect(provider.asked).toHaveLength(1)
  })

  it("open nothing at another issuer, and what one provider says is not taken for another's word", async () => {
    const [mine, other] = [await aKey("mine"), await aKey("other")]
    const provider = await aProvider({
      "/mine": { body: { keys: [mine.jwk] } },
      "/other": { body: { keys: [other.jwk] } },
    })
    for (const name of ["mine", "other"]) {
      const document = { issuer: `https://${name}.test`, jwks_uri: `${provider.url}/${name}` }
      provider.answers[`/at/${name}/.well-known/openid-configuration`] = { body: document }
    }
    const sets = new KeySets(aClock())
    for (const name of ["mine", "other"]) {
      const { keys, issuer } = await sets.discover(at(`${provider.url}/at/${name}`))
      expect(issuer).toBe(`https://${name}.test`)
      for (const key of [mine, other]) {
        const expected = key.jwk.kid === name ? name : "invalid-signature"
        expect(await outcome(keys, await key.sign())).toBe(expected)
        expect(await outcome(sets.keysAt(at(`${provider.url}/${name}`)), await key.sign())).toBe(expected)
      }
    }
  })

  it("are kept for five hundred issuers, so that no number of them fills the memory", () => {
    const sets = new KeySets(aClock())
    const of = (index: number) => sets.keysAt(at(`https://issuer-${index}.test/keys`))
    const [first, second] = [of(0), of(1)]
    for (let index = 2; index <= 500; index += 1) of(index)
    expect(of(1)).toBe(second)
    expect(of(0)).not.toBe(first)
  })

  it("come from a server that the given authority vouches for, and from no other", async () => {
    const [mine, other, key] = [await aCertificate(), await aCertificate(), await aKey("a")]
    const { url } = await aProvider({ "/keys": { body: { keys: [key.jwk] } } }, mine)
    const sets = new KeySets(aClock())
    const verify = async (caPem: string) =>
      outcome(sets.keysAt(at(`${url}/keys`, { caPem })), await key.sign())
    expect(await verify(mine.cert)).toBe("a")
    expect(await verify(other.cert)).toBe("provider-unavailable")
    expect(await verify("")).toBe("provider-unavailable")
  })

  it.for([
    { what: "an error", answer: { status: 500, body: { keys: [] } } },
    { what: "a page", answer: { body: "<html>" } },
    { what: "something else", answer: { body: { keys: "none" } } },
    { what: "more than 64 KiB", answer: { body: { keys: [], rest: "x".repeat(70_000) } } },
    { what: "a redirect", answer: { status: 302, body: "" } },
  ])("that answers with $what are away: the token may be good", async ({ answer }) => {
    const { url } = await aProvider({ "/keys": answer })
    const keys = new KeySets(aClock()).keysAt(at(`${url}/keys`))
    expect(await outcome(keys, await (await aKey("a")).sign())).toBe("provider-unavailable")
  })
})

describe("the discovery document of a provider", () => {
  const path = "/tenant/.well-known/openid-configuration"
  const issuer = "https://issuer.test"

  it("is read once in ten minutes, with or without a slash at the end of the address", async () => {
    const key = await aKey("a")
    const provider = await aProvider({ "/keys": { body: { keys: [key.jwk] } } })
    provider.answers[path] = { body: { issuer, jwks_uri: `${provider.url}/keys` } }
    const clock = aClock()
    const sets = new KeySets(clock)
    const asked = () => provider.asked.filter((one) => one === path).length
    const discover = () => sets.discover(at(`${provider.url}/tenant`))
    const found = await discover()
    expect(found.issuer).toBe(issuer)
    expect(await outcome(found.keys, await key.sign())).toBe("a")
    clock.advance(10 * minuteMs)
    await discover()
    expect(asked()).toBe(1)
    clock.advance(1)
    await discover()
    expect(asked()).toBe(2)
    expect((await sets.discover(at(`${provider.url}/tenant//`))).issuer).toBe(issuer)
  })

  it("that was read where private addresses may be asked serves nobody else", async () => {
    const provider = await aProvider({})
    provider.answers[path] = { body: { issuer, jwks_uri: `${provider.url}/keys` } }
    const sets = new KeySets(aClock())
    await sets.discover(at(`${provider.url}/tenant`))
    const guarded = sets.discover(at(`${provider.url}/tenant`, { allowPrivateAddresses: false }))
    await expect(guarded).rejects.toThrow(/not public/)
  })

  it("and the keys that it names come from servers that the given authority vouches for", async () => {
    const [mine, other, key] = [await aCertificate(), await aCertificate(), await aKey("a")]
    const provider = await aProvider({ "/keys": { body: { keys: [key.jwk] } } }, mine)
    provider.answers[path] = { body: { issuer, jwks_uri: `${provider.url}/keys` } }
    const sets = new KeySets(aClock())
    const { keys } = await sets.discover(at(`${provider.url}/tenant`, { caPem: mine.cert }))
    expect(await outcome(keys, await key.sign())).toBe("a")
    for (const caPem of [other.cert, ""]) {
      await expect(sets.discover(at(`${provider.url}/tenant`, { caPem }))).rejects.toThrow(/certificate/)
    }
  })

  it.for([
    { what: "an error", answer: { status: 500, body: "" } },
    { what: "a page", answer: { body: "<html>" } },
    { what: "nothing", answer: { body: "null" } },
    { what: "a list", answer: { body: [] } },
    { what: "no keys", answer: { body: { issuer } } },
    { what: "keys that are no address", answer: { body: { issuer, jwks_uri: "keys" } } },
    { what: "no issuer", answer: { body: { jwks_uri: `${issuer}/keys` } } },
  ])("of $what is a provider that is away", async ({ answer }) => {
    const { url } = await aProvider({ [path]: answer })
    const error = await new KeySets(aClock()).discover(at(`${url}/tenant`)).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(LoginRefusal)
    expect([error.reasonCode, error.error.kind]).toEqual(["provider-unavailable", "unavailable"])
    expect(error.message).not.toContain("<html>")
  })
})
