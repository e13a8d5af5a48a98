import { describe, expect, it } from "vitest"
import { type Bounds, boundsOf, isListed, requireBounds } from "./bound-claims.ts"
import { forbidden, LoginRefusal, unauthorized } from "./login-refusal.ts"

const claims = {
  iss: "https://issuer.test",
  sub: "repo:acme/app:ref:refs/heads/main",
  aud: ["vault", "coffer"],
  "kubernetes.io": { namespace: "prod", pod: { name: "app-1" } },
  "kubernetes.io/name": "literal",
  groups: ["dev", ["nested"], 7],
  admin: true,
  empty: "",
}

/** Why the bounds refuse these claims; `undefined` when they do not. */
function refusal(
  bounds: Partial<Bounds>,
  of: Readonly<Record<string, unknown>> = claims,
  refuseIssuer = forbidden,
) {
  try {
    requireBounds(of, boundsOf(bounds), refuseIssuer)
    return undefined
  } catch (error) {
    if (error instanceof LoginRefusal) return `${error.reasonCode} ${error.error.kind}`
    throw error
  }
}

describe("the bounds of a JWT", () => {
  it("none bind nothing, not even a token that says nothing", () => {
    expect(refusal({}, {})).toBeUndefined()
  })

  it.for([
    { bounds: { boundIssuer: "https://issuer.test" }, refused: undefined },
    { bounds: { boundIssuer: "https://issuer.test/" }, refused: "issuer-mismatch forbidden" },
    { bounds: { boundSubject: "repo:acme/app:ref:refs/heads/main" }, refused: undefined },
    { bounds: { boundSubject: "repo:acme/**" }, refused: undefined },
    { bounds: { boundSubject: "repo:acme/ap" }, refused: "subject-mismatch forbidden" },
    { bounds: { boundAudiences: "coffer" }, refused: undefined },
    { bounds: { boundAudiences: "other, vault" }, refused: undefined },
    { bounds: { boundAudiences: "other" }, refused: "audience-mismatch unauthenticated" },
    // An audience is a name, not a pattern.
    { bounds: { boundAudiences: "cof*" }, refused: "audience-mismatch unauthenticated" },
    { bounds: { boundClaims: { groups: "dev" } }, refused: undefined },
    { bounds: { boundClaims: { groups: "ops, de*" } }, refused: undefined },
    { bounds: { boundClaims: { groups: "7" } }, refused: undefined },
    { bounds: { boundClaims: { groups: "nested" } }, refused: "claim-mismatch unauthenticated" },
    { bounds: { boundClaims: { admin: "true" } }, refused: undefined },
    { bounds: { boundClaims: { admin: "false" } }, refused: "claim-mismatch unauthenticated" },
    {
      bounds: { boundClaims: { "kubernetes.io.namespace": "prod" } },
      refused: "claim-mismatch unauthenticated",
    },
    { bounds: { boundClaims: { "kubernetes.io/name": "literal" } }, refused: undefined },
    { bounds: { boundClaims: { empty: "*" } }, refused: "claim-mismatch unauthenticated" },
    { bounds: { boundClaims: { absent: "*" } }, refused: "claim-mismatch unauthenticated" },
    { bounds: { boundClaims: { "constructor.name": "*" } }, refused: "claim-mismatch unauthenticated" },
    { bounds: { boundClaims: { groups: "dev", admin: "false" } }, refused: "claim-mismatch unauthenticated" },
    { bounds: { boundClaims: { groups: "" } }, refused: "claim-mismatch unauthenticated" },
  ])("$bounds: $refused", ({ bounds, refused }) => {
    expect(refusal(bounds)).toBe(refused)
  })

  it("a dotted path leads into nested claims, and a name with dots wins over it", () => {
    const nested = { a: { b: "in", c: { d: ["deep"] } }, "a.b": "literal" }
    expect(refusal({ boundClaims: { "a.c.d": "deep" } }, nested)).toBeUndefined()
    expect(refusal({ boundClaims: { "a.b": "literal" } }, nested)).toBeUndefined()
    expect(refusal({ boundClaims: { "a.b": "in" } }, nested)).toBe("claim-mismatch unauthenticated")
    for (const [path, of] of [
      ["a.b.c", { a: { b: "text" } }],
      ["a.b", { a: null }],
      // A text has a length, and an object where it comes from: neither is a claim.
      ["a.length", { a: "text" }],
      ["__proto__.toString.name", {}],
    ] as const) {
      expect(refusal({ boundClaims: { [path]: "**" } }, of)).toBe("claim-mismatch unauthenticated")
    }
  })

  it("what a bound looks for has to be in the token", () => {
    for (const bounds of [
      { boundIssuer: "x" },
      { boundSubject: "**" },
      { boundAudiences: "x" },
      { boundClaims: { x: "**" } },
    ]) {
      expect(refusal(bounds, {})).toBeDefined()
    }
    expect(refusal({ boundSubject: "**" }, { sub: "" })).toBe("subject-mismatch forbidden")
  })

  it("a wrong issuer is refused as the method wants it", () => {
    expect(refusal({ boundIssuer: "x" }, claims, unauthorized)).toBe("issuer-mismatch unauthenticated")
  })

  it("a list of nothing but commas names nothing, so it allows nothing", () => {
    for (const nothing of [",", " ", " , ,"]) {
      expect(refusal({ boundAudiences: nothing })).toBe("audience-mismatch unauthenticated")
      expect(refusal({ boundAudiences: nothing }, { aud: "" })).toBe("audience-mismatch unauthenticated")
      expect(isListed(nothing, "prod")).toBe(false)
    }
  })
})

describe("a list of names", () => {
  it.for([
    { list: "", value: "prod", isIn: true },
    { list: "prod", value: "prod", isIn: true },
    { list: "dev, prod", value: "prod", isIn: true },
    { list: "prod-*", value: "prod-1", isIn: true },
    { list: "prod", value: "prod-1", isIn: false },
    { list: "prod", value: "", isIn: false },
    { list: "*", value: "", isIn: false },
  ])("'$list' has '$value': $isIn", ({ list, value, isIn }) => {
    expect(isListed(list, value)).toBe(isIn)
  })
})

describe("settings of bounds", () => {
  it("are changed one by one; what is not named stays", () => {
    const old = { boundIssuer: "i", boundAudiences: "a", boundClaims: { c: "1" }, boundSubject: "s" }
    expect(boundsOf({}, old)).toEqual(old)
    for (const [field, value] of Object.entries({
      boundIssuer: "",
      boundAudiences: "",
      boundClaims: {},
      boundSubject: "",
    })) {
      expect(boundsOf({ [field]: value }, old)).toEqual({ ...old, [field]: value })
    }
  })
})
