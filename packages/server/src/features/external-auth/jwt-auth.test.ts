import { aClock } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import { AppError } from "../../errors.ts"
import { type JwtAuth, jwtAuth } from "./jwt-auth.ts"
import { KeySets } from "./key-sets.ts"
import { aKey, orReason, providers } from "./testing/a-provider.ts"

const aProvider = providers()
const now = Date.UTC(2026, 0, 1)
const pem = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"
const deps = { seal: () => "", isAdministrator: false }
const settle = (wanted: Parameters<typeof jwtAuth.settingsOf>[0], old?: JwtAuth) =>
  jwtAuth.settingsOf(wanted, old, deps)

/** The subject, or why there is none. */
async function prove(
  settings: JwtAuth,
  jwt: string,
  more: { readonly allowPrivateAddresses?: boolean } = {},
) {
  const context = {
    now,
    keySets: new KeySets(aClock()),
    allowPrivateAddresses: true,
    unseal: () => "",
    ...more,
  }
  const proof = await orReason(jwtAuth.prove(settings, jwt, context))
  return typeof proof === "string" ? proof : { ...proof }
}

describe("settings of JWT auth", () => {
  it.for([
    [{}, "configurationType"],
    [{ jwksUrl: "https://issuer.test/keys" }, "configurationType"],
    [{ configurationType: "jwks" }, "jwksUrl"],
    [{ configurationType: "jwks", jwksUrl: "" }, "jwksUrl"],
    [{ configurationType: "static" }, "publicKeys"],
    [{ configurationType: "static", publicKeys: [] }, "publicKeys"],
    [{ configurationType: "static", publicKeys: [pem, "nonsense"] }, "publicKeys.1"],
    [{ configurationType: "static", publicKeys: [`${pem}more`] }, "publicKeys.0"],
    [{ configurationType: "static", publicKeys: [pem.replaceAll("PUBLIC", "PRIVATE")] }, "publicKeys.0"],
    [{ configurationType: "jwks", jwksUrl: "https://issuer.test", publicKeys: ["nonsense"] }, "publicKeys.0"],
  ] as const)("%j is refused, naming %s", ([wanted, field]) => {
    const wantedSettings = wanted as Parameters<typeof settle>[0]
    expect(() => settle(wantedSettings)).toThrow(AppError)
    expect(() => settle(wantedSettings)).toThrow(new RegExp(`^${field.replace(".", "\\.")} `))
  })

  it("keep what is not named, and take what is, also what is empty", () => {
    const bounds = {
      boundIssuer: "https://issuer.test",
      boundAudiences: "coffer",
      boundClaims: { env: "prod" },
      boundSubject: "job/*",
    }
    const first = settle({ configurationType: "static", publicKeys: [pem], jwksCaCert: "PEM", ...bounds })
    const kept = { configurationType: "static", publicKeys: [pem], jwksUrl: "", jwksCaCert: "PEM", ...bounds }
    expect(first).toEqual(kept)
    expect(settle({ boundIssuer: undefined }, first)).toEqual(kept)
    const jwksUrl = "https://issuer.test/keys"
    const changed = settle({ configurationType: "jwks", jwksUrl, boundSubject: "", jwksCaCert: "" }, first)
    expect(changed).toEqual({
      ...kept,
      configurationType: "jwks",
      jwksUrl,
      boundSubject: "",
      jwksCaCert: "",
    })
    expect(settle({ publicKeys: [] }, changed)).toMatchObject({ publicKeys: [], jwksUrl })
    const method = { settings: changed } as Parameters<NonNullable<typeof jwtAuth.shownOf>>[0]
    expect(jwtAuth.shownOf?.(method)).toEqual({
      configurationType: "jwks",
      jwksUrl,
      ...bounds,
      boundSubject: "",
    })
  })
})

describe("a token of another issuer", () => {
  it("proves its subject by the kind of keys that is set, and by no other", async () => {
    const [inSet, byHeart] = [await aKey("in-set", now), await aKey("by-heart", now)]
    const { url } = await aProvider({ "/keys": { body: { keys: [inSet.jwk] } } })
    const both = { jwksUrl: `${url}/keys`, publicKeys: [byHeart.pem] }
    const jwks = settle({ configurationType: "jwks", ...both })
    const fixed = settle({ configurationType: "static", ...both })
    expect(await prove(jwks, await inSet.sign())).toEqual({ subject: "in-set" })
    expect(await prove(jwks, await byHeart.sign())).toBe("invalid-signature")
    expect(await prove(fixed, await byHeart.sign())).toEqual({ subject: "by-heart" })
    expect(await prove(fixed, await inSet.sign())).toBe("invalid-signature")
    expect(await prove(jwks, await inSet.sign(), { allowPrivateAddresses: false })).toBe(
      "provider-unavailable",
    )
  })

  it.for([
    [{ boundIssuer: "https://other.test" }, "issuer-mismatch"],
    [{ boundSubject: "other" }, "subject-mismatch"],
    [{ boundAudiences: "other" }, "audience-mismatch"],
    [{ boundClaims: { env: "other" } }, "claim-mismatch"],
  ] as const)("that breaks %j proves nothing: %s", async ([bound, reason]) => {
    const key = await aKey("a", now)
    const jwt = await key.sign({ claims: { iss: "https://issuer.test", aud: "coffer", env: "prod" } })
    const settings = settle({ configurationType: "static", publicKeys: [key.pem], ...bound })
    expect(await prove(settings, jwt)).toBe(reason)
  })

  it("without a subject names nobody", async () => {
    const key = await aKey("a", now)
    const settings = settle({ configurationType: "static", publicKeys: [key.pem] })
    expect(await prove(settings, await key.sign({ claims: { sub: undefined } }))).toEqual({ subject: "" })
  })

  it("is judged at the time that is given", async () => {
    const key = await aKey("a", now - 2 * 86_400_000)
    const settings = settle({ configurationType: "static", publicKeys: [key.pem] })
    expect(await prove(settings, await key.sign())).toBe("token-expired")
  })
})
