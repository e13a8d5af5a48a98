import { aClock } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import { aCertificate } from "../../testing/a-certificate.ts"
import { KeySets } from "./key-sets.ts"
import { type OidcAuth, oidcAuth } from "./oidc-auth.ts"
import { aKey, orReason, providers } from "./testing/a-provider.ts"

const aProvider = providers()
const now = Date.UTC(2026, 0, 1)
const issuer = "https://issuer.test"
const path = "/.well-known/openid-configuration"
const deps = { seal: () => "", isAdministrator: false }
const settle = (wanted: Parameters<typeof oidcAuth.settingsOf>[0], old?: OidcAuth) =>
  oidcAuth.settingsOf(wanted, old, deps)

async function prove(settings: OidcAuth, jwt: string, allowPrivateAddresses = true) {
  const context = { now, keySets: new KeySets(aClock()), allowPrivateAddresses, unseal: () => "" }
  const proof = await orReason(oidcAuth.prove(settings, jwt, context))
  return typeof proof === "string" ? proof : { ...proof }
}

describe("settings of OIDC auth", () => {
  it("need the provider and the issuer of its tokens, also later", () => {
    expect(() => settle({ boundIssuer: issuer })).toThrow(/^oidcDiscoveryUrl is required/)
    expect(() => settle({ oidcDiscoveryUrl: issuer })).toThrow(/^boundIssuer is required/)
    const first = settle({ oidcDiscoveryUrl: issuer, boundIssuer: issuer })
    expect(() => settle({ boundIssuer: "" }, first)).toThrow(/^boundIssuer is required/)
  })

  it("keep what is not named, and take what is, also what is empty", () => {
    const wanted = {
      oidcDiscoveryUrl: issuer,
      caCert: "PEM",
      claimMetadataMapping: { team: "group" },
      boundIssuer: issuer,
      boundAudiences: "coffer",
      boundClaims: { ref: "refs/heads/*" },
      boundSubject: "repo:acme/*",
    }
    const first = settle(wanted)
    expect(first).toEqual(wanted)
    expect(settle({ boundSubject: undefined }, first)).toEqual(wanted)
    const emptied = { caCert: "", claimMetadataMapping: {}, boundSubject: "", boundClaims: {} }
    expect(settle(emptied, first)).toEqual({ ...wanted, ...emptied })
    expect(settle({ oidcDiscoveryUrl: issuer, boundIssuer: issuer })).toEqual({
      ...emptied,
      oidcDiscoveryUrl: issuer,
      boundIssuer: issuer,
      boundAudiences: "",
    })
    const method = { settings: first } as Parameters<NonNullable<typeof oidcAuth.shownOf>>[0]
    const { caCert: _, claimMetadataMapping: __, ...shown } = wanted
    expect(oidcAuth.shownOf?.(method)).toEqual(shown)
  })
})

describe("a token of an OpenID provider", () => {
  it("proves its subject by the keys that the provider names, however its address is written", async () => {
    const [certificate, key] = [await aCertificate(), await aKey("repo:acme/billing", now)]
    const { url, answers } = await aProvider({ "/keys": { body: { keys: [key.jwk] } } }, certificate)
    answers[path] = { body: { issuer, jwks_uri: `${url}/keys` } }
    const jwt = await key.sign({ claims: { iss: issuer } })
    for (const oidcDiscoveryUrl of [url, `${url}/`, `${url}${path}`, `${url}${path}/`]) {
      const settings = settle({ oidcDiscoveryUrl, caCert: certificate.cert, boundIssuer: issuer })
      expect(await prove(settings, jwt), oidcDiscoveryUrl).toEqual({ subject: "repo:acme/billing" })
    }
    const settings = settle({ oidcDiscoveryUrl: url, caCert: certificate.cert, boundIssuer: issuer })
    expect(await prove({ ...settings, caCert: "" }, jwt)).toBe("provider-unavailable")
    expect(await prove(settings, jwt, false)).toBe("provider-unavailable")
    expect(await prove(settings, await (await aKey("repo:acme/billing", now)).sign())).toBe(
      "invalid-signature",
    )
    expect(await prove(settings, await key.sign({ claims: { sub: undefined, iss: issuer } }))).toEqual({
      subject: "",
    })
  })

  it("proves nothing when it is of another issuer, whatever the document says, or breaks a bound", async () => {
    const key = await aKey("me", now)
    const { url, answers } = await aProvider({ "/keys": { body: { keys: [key.jwk] } } })
    answers[path] = { body: { issuer: "https://evil.test", jwks_uri: `${url}/keys` } }
    const settings = settle({ oidcDiscoveryUrl: url, boundIssuer: issuer, boundSubject: "me" })
    expect(await prove(settings, await key.sign({ claims: { iss: issuer } }))).toEqual({ subject: "me" })
    for (const iss of ["https://evil.test", undefined, `${issuer}/`]) {
      expect(await prove(settings, await key.sign({ claims: { iss } }))).toBe("issuer-mismatch")
    }
    const other = await key.sign({ claims: { iss: issuer, sub: "you" } })
    expect(await prove(settings, other)).toBe("subject-mismatch")
    const late = await key.sign({ claims: { iss: issuer, exp: now / 1_000 - 60 } })
    expect(await prove(settings, late)).toBe("token-expired")
  })
})
