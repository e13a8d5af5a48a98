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
})
