import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  type Action,
  covers,
  isAllowed,
  isGrantActive,
  missingRules,
  type Rule,
  rulesOfGrants,
  rulesOfRole,
  type Subject,
} from "./domain.ts"

const subjects: readonly Subject[] = ["secrets", "secret-folders", "environments", "identity", "project"]
const actions: readonly Action[] = ["read", "describeSecret", "readValue", "create", "edit", "delete"]
const aRule = fc.record({
  subject: fc.constantFrom(...subjects),
  action: fc.constantFrom(...actions),
  inverted: fc.boolean(),
})
const forGood = (role: string) => ({ role, startsAt: null, endsAt: null })

describe("rules", () => {
  it("deny wins over allow, in whatever order the rules come", () => {
    fc.assert(
      fc.property(fc.array(aRule), aRule, (rules, denied) => {
        const all: Rule[] = [...rules, { ...denied, inverted: true }, { ...denied, inverted: false }]
        return [all, all.toReversed()].every((order) => !isAllowed(order, denied.action, denied.subject))
      }),
    )
  })

  it("what no rule names is refused", () => {
    fc.assert(
      fc.property(fc.array(aRule), aRule, (rules, asked) => {
        const named = rules.filter((rule) => rule.action === asked.action && rule.subject === asked.subject)
        return named.length > 0 || !isAllowed(rules, asked.action, asked.subject)
      }),
    )
  })

  it("roles add up, and each role covers the ones below it", () => {
    const rules = (role: string) => rulesOfRole(role) ?? []
    expect(missingRules(rules("admin"), rules("member"))).toEqual([])
    expect(missingRules(rules("member"), rules("viewer"))).toEqual([])
    expect(missingRules(rules("viewer"), rules("no-access"))).toEqual([])
    expect(missingRules(rules("viewer"), rules("member")).length).toBeGreaterThan(0)
    const both = rulesOfGrants([forGood("viewer"), forGood("no-access")], 0)
    expect(isAllowed(both, "readValue", "secrets")).toBe(true)
    expect(rulesOfGrants([forGood("not-a-role")], 0)).toEqual([])
    expect(rulesOfRole("ADMIN")).toBeUndefined()
  })

  it.for([
    { now: 99, active: false },
    { now: 100, active: true },
    { now: 199, active: true },
    { now: 200, active: false },
  ])("a grant from 100 to 200 at $now: $active", ({ now, active }) => {
    expect(isGrantActive({ role: "viewer", startsAt: 100, endsAt: 200 }, now)).toBe(active)
  })

  it("an organization role covers itself and those below, and unknown ones cover nothing", () => {
    expect(covers("admin", "admin")).toBe(true)
    expect(covers("member", "no-access")).toBe(true)
    expect(covers("member", "admin")).toBe(false)
    expect(covers("root", "no-access")).toBe(false)
    expect(covers("admin", "root")).toBe(false)
  })
})
