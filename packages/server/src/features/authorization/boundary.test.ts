import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { liftedDenies, missingRules } from "./boundary.ts"
import { rulesOfRole } from "./built-in-roles.ts"
import { compilePolicy, isAllowed, type Rule } from "./domain.ts"
import { aPolicy, aResource } from "./testing/arbitraries.ts"

const missing = (held: readonly Rule[], wanted: readonly Rule[]) =>
  missingRules([compilePolicy(held)], wanted)
const read = (conditions?: Rule["conditions"]): Rule => ({
  subject: "secrets",
  action: "readValue",
  ...(conditions === undefined ? {} : { conditions }),
})
const deny = (conditions?: Rule["conditions"]): Rule => ({ ...read(conditions), inverted: true })

describe("the boundary", () => {
  it("each built-in role covers the ones below it", () => {
    const rules = (role: string) => rulesOfRole(role) ?? []
    expect(missing(rules("admin"), rules("member"))).toEqual([])
    expect(missing(rules("member"), rules("viewer"))).toEqual([])
    expect(missing(rules("viewer"), rules("no-access"))).toEqual([])
    expect(missing(rules("viewer"), rules("member")).length).toBeGreaterThan(0)
  })

  it.for([
    { says: "all for some", held: [read()], wanted: [read({ environment: "prod" })], ok: true },
    { says: "some for all", held: [read({ environment: "prod" })], wanted: [read()], ok: false },
    {
      says: "the same condition",
      held: [read({ secretPath: { $glob: "/a/**" } })],
      wanted: [read({ secretPath: { $glob: "/a/**" } })],
      ok: true,
    },
    {
      says: "a folder below",
      held: [read({ secretPath: { $glob: "/a/**" } })],
      wanted: [read({ secretPath: { $glob: "/a/b/*" } })],
      ok: true,
    },
    {
      says: "a folder beside",
      held: [read({ secretPath: { $glob: "/a/**" } })],
      wanted: [read({ secretPath: { $glob: "/ab/*" } })],
      ok: false,
    },
    {
      says: "one value of a list",
      held: [read({ environment: { $in: ["dev", "prod"] } })],
      wanted: [read({ environment: "dev" })],
      ok: true,
    },
    {
      says: "one more value than held",
      held: [read({ environment: "dev" })],
      wanted: [read({ environment: { $in: ["dev", "prod"] } })],
      ok: false,
    },
    {
      says: "another field",
      held: [read({ environment: "dev" })],
      wanted: [read({ secretPath: "/a" })],
      ok: false,
    },
    {
      says: "what is denied to the holder",
      held: [read(), deny({ environment: "prod" })],
      wanted: [read()],
      ok: false,
    },
    {
      says: "the denied part left out",
      held: [read(), deny({ environment: "prod" })],
      wanted: [read({ environment: "dev" })],
      ok: true,
    },
    {
      says: "the deny handed on",
      held: [read(), deny({ environment: "prod" })],
      wanted: [read(), deny({ environment: "prod" })],
      ok: true,
    },
    {
      says: "read for describe and value",
      held: [{ subject: "secrets", action: ["describeSecret", "readValue"] }],
      wanted: [{ subject: "secrets", action: "read" }],
      ok: true,
    },
    {
      says: "a deny costs nothing",
      held: [],
      wanted: [{ subject: "secrets", action: "delete", inverted: true }],
      ok: true,
    },
  ] as const)("$says: $ok", ({ held, wanted, ok }) => {
    expect(missing(held as readonly Rule[], wanted as readonly Rule[]).length === 0).toBe(ok)
  })

  it.for([
    {
      says: "an action that a deny is not about",
      held: [{ subject: "secrets", action: ["create", "readValue"] }, deny()],
      wanted: [{ subject: "secrets", action: "create" }],
      ok: true,
    },
    {
      says: "the same action of another subject",
      held: [{ subject: "secret-folders", action: "create" }],
      wanted: [{ subject: "secrets", action: "create" }],
      ok: false,
    },
    {
      says: "a deny handed on in part",
      held: [read(), deny({ environment: "prod" })],
      wanted: [read(), deny({ environment: "prod", secretPath: "/a" })],
      ok: false,
    },
    {
      says: "a deny handed on and more",
      held: [read(), deny({ environment: "prod", secretPath: "/a" })],
      wanted: [read(), deny({ environment: "prod" })],
      ok: true,
    },
    {
      says: "a deny of something else handed on",
      held: [read(), deny({ environment: "prod" })],
      wanted: [read(), { subject: "secrets", action: "edit", inverted: true }],
      ok: false,
    },
    {
      says: "some values, one of them denied",
      held: [read(), deny({ environment: "prod" })],
      wanted: [read({ environment: { $in: ["dev", "prod"] } })],
      ok: false,
    },
    {
      says: "a pattern that leaves the denied value out",
      held: [read(), deny({ environment: "prod" })],
      wanted: [read({ environment: { $glob: "dev-*" } })],
      ok: true,
    },
    {
      says: "a value that the denied pattern leaves out",
      held: [read(), deny({ environment: { $glob: "prod-*" } })],
      wanted: [read({ environment: "dev" })],
      ok: true,
    },
    {
      says: "two patterns, which may meet",
      held: [read(), deny({ environment: { $glob: "*-prod" } })],
      wanted: [read({ environment: { $glob: "eu-*" } })],
      ok: false,
    },
    {
      says: "another tag than the denied one, since a secret may have both",
      held: [read(), deny({ secretTags: { $in: ["hot"] } })],
      wanted: [read({ secretTags: { $in: ["cold"] } })],
      ok: false,
    },
    {
      says: "some of the tags",
      held: [read({ secretTags: { $in: ["a", "b"] } })],
      wanted: [read({ secretTags: { $in: ["b"] } })],
      ok: true,
    },
    {
      says: "another tag",
      held: [read({ secretTags: { $in: ["a", "b"] } })],
      wanted: [read({ secretTags: { $in: ["b", "c"] } })],
      ok: false,
    },
    {
      says: "any tag",
      held: [read({ secretTags: { $in: ["a"] } })],
      wanted: [read()],
      ok: false,
    },
    {
      says: "another value",
      held: [read({ environment: "dev" })],
      wanted: [read({ environment: "prod" })],
      ok: false,
    },
    {
      says: "a pattern for a value",
      held: [read({ environment: "dev" })],
      wanted: [read({ environment: { $glob: "dev" } })],
      ok: false,
    },
    {
      says: "a pattern for a list",
      held: [read({ environment: { $in: ["dev", "prod"] } })],
      wanted: [read({ environment: { $glob: "*" } })],
      ok: false,
    },
    {
      says: "the same exception",
      held: [read({ environment: { $ne: "prod" } })],
      wanted: [read({ environment: { $ne: "prod", $glob: "eu-*" } })],
      ok: true,
    },
    {
      says: "an exception more",
      held: [read({ environment: { $glob: "eu-*" } })],
      wanted: [read({ environment: { $glob: "eu-*", $ne: "eu-prod" } })],
      ok: true,
    },
    {
      says: "another exception",
      held: [read({ environment: { $ne: "prod" } })],
      wanted: [read({ environment: { $ne: "dev" } })],
      ok: false,
    },
    {
      says: "a pattern that forgets the exception",
      held: [read({ environment: { $ne: "prod" } })],
      wanted: [read({ environment: { $glob: "*" } })],
      ok: false,
    },
    {
      says: "the value of an exception",
      held: [read({ environment: { $ne: "prod" } })],
      wanted: [read({ environment: "prod" })],
      ok: false,
    },
    {
      says: "an exception for a pattern",
      held: [read({ secretPath: { $glob: "/a/**" } })],
      wanted: [read({ secretPath: { $ne: "/b" } })],
      ok: false,
    },
    {
      says: "of a list only what its other operators let through",
      held: [read({ environment: "dev" })],
      wanted: [read({ environment: { $in: ["dev", "prod"], $ne: "prod" } })],
      ok: true,
    },
    {
      says: "the folder of a pattern itself",
      held: [read({ secretPath: { $glob: "/a/**" } })],
      wanted: [read({ secretPath: { $glob: "/a" } })],
      ok: true,
    },
    {
      says: "a pattern below one that is not a plain folder",
      held: [read({ secretPath: { $glob: "/a*/**" } })],
      wanted: [read({ secretPath: { $glob: "/a*/b" } })],
      ok: false,
    },
  ] as const)("with care: $says: $ok", ({ held, wanted, ok }) => {
    expect(missing(held as readonly Rule[], wanted as readonly Rule[]).length === 0).toBe(ok)
  })

  it("whoever passes it gives nothing to a newcomer that it does not hold", () => {
    fc.assert(
      fc.property(aPolicy, aPolicy, aResource, (held, wanted, resource) => {
        if (missing(held, wanted).length > 0) return true
        return (["describeSecret", "readValue", "edit"] as const).every(
          (action) =>
            !isAllowed([compilePolicy(wanted)], action, "secrets", resource) ||
            isAllowed([compilePolicy(held)], action, "secrets", resource),
        )
      }),
      { numRuns: 2_000 },
    )
  })

  it("to lift a deny is to hand out what it denied", () => {
    const before = [read(), deny({ environment: "prod" })]
    expect(liftedDenies(before, before)).toEqual([])
    expect(liftedDenies(before, [deny()])).toEqual([])
    expect(liftedDenies(before, [])).toEqual([read({ environment: "prod" })])
  })

  it("a deny is lifted by what stands in its place too: an allow, another deny, or a part of it", () => {
    const before = [deny()]
    for (const after of [
      [read()],
      [deny({ environment: "prod" })],
      [{ subject: "secrets", action: "edit", inverted: true }],
      [{ subject: "secret-folders", action: "readValue", inverted: true }],
    ] as readonly Rule[][]) {
      expect(liftedDenies(before, after)).toEqual([read()])
    }
    expect(liftedDenies([deny({ environment: "prod" })], [deny({ environment: "dev" })])).toEqual([
      read({ environment: "prod" }),
    ])
  })
})
