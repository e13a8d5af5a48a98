import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { policiesOfRole } from "./built-in-roles.ts"
import type { Resource } from "./conditions.ts"
import {
  type Action,
  compilePolicy,
  isAllowed,
  isAllowedEverywhere,
  type Policy,
  type Rule,
  type Subject,
} from "./domain.ts"
import { isGrantActive, policiesOfGrants } from "./grants.ts"
import { aPolicy, aResource, aRule } from "./testing/arbitraries.ts"

const anywhere: Resource = {}
const subjects: readonly Subject[] = ["secrets", "secret-folders"]
const actions: readonly Action[] = ["read", "describeSecret", "readValue", "create", "edit", "delete"]
const asked = fc.record({
  subject: fc.constantFrom(...subjects),
  action: fc.constantFrom(...actions),
  resource: aResource,
})
const forGood = (role: string) => ({ role, startsAt: null, endsAt: null })
const policiesOf = (...rules: readonly Rule[]): readonly Policy[] => [compilePolicy(rules)]

describe("rules", () => {
  it("deny wins over allow, in whatever order and in whichever role the rules come", () => {
    fc.assert(
      fc.property(fc.array(aRule), asked, fc.nat(), (rules, { subject, action, resource }, cut) => {
        const line = { subject, action: subject === "secrets" && action === "read" ? "readValue" : action }
        const all: Rule[] = [...rules, { ...line, inverted: true }, line]
        const at = cut % all.length
        return [all, all.toReversed()].every((order) => {
          const policies = [compilePolicy(order.slice(0, at)), compilePolicy(order.slice(at))]
          return !isAllowed(policies, line.action as Action, subject, resource)
        })
      }),
    )
  })

  it("a deny that applies wins over every allow, whatever its conditions", () => {
    fc.assert(
      fc.property(aPolicy, asked, (rules, { subject, action, resource }) => {
        const denies = rules.filter((rule) => rule.inverted === true)
        const isDenied = isAllowed(
          policiesOf(...denies.map((rule) => ({ ...rule, inverted: false }))),
          action,
          subject,
          resource,
        )
        return !isDenied || !isAllowed(policiesOf(...rules), action, subject, resource)
      }),
    )
  })

  it("no grant from nothing: what no allow names is refused", () => {
    fc.assert(
      fc.property(aPolicy, asked, (rules, { subject, action, resource }) => {
        const naming = rules.filter(
          (rule) =>
            rule.inverted !== true &&
            rule.subject === subject &&
            [rule.action].flat().some((one) => one === action || one === "read"),
        )
        return naming.length > 0 || !isAllowed(policiesOf(...rules), action, subject, resource)
      }),
    )
  })

  it("to know less never allows more", () => {
    fc.assert(
      fc.property(
        aPolicy,
        asked,
        fc.subarray(["environment", "secretPath", "secretName", "secretTags"]),
        (rules, { subject, action, resource }, unknown) => {
          const policies = policiesOf(...rules)
          const vague = Object.fromEntries(
            Object.entries(resource).filter(([field]) => !(unknown as string[]).includes(field)),
          )
          return (
            !isAllowed(policies, action, subject, vague) || isAllowed(policies, action, subject, resource)
          )
        },
      ),
    )
  })

  it("what is answered for every resource at once is the answer for each", () => {
    fc.assert(
      fc.property(fc.array(aPolicy, { maxLength: 3 }), asked, (roles, { subject, action, resource }) => {
        const policies = roles.map(compilePolicy)
        const everywhere = isAllowedEverywhere(policies, action, subject)
        return everywhere === undefined || everywhere === isAllowed(policies, action, subject, resource)
      }),
    )
  })

  it.for([
    { action: "describeSecret", allowed: true },
    { action: "readValue", allowed: true },
    { action: "edit", allowed: false },
  ] as const)("the old action read on secrets gives $action: $allowed", ({ action, allowed }) => {
    const policies = policiesOf({ subject: "secrets", action: "read" })
    expect(isAllowed(policies, action, "secrets", anywhere)).toBe(allowed)
    const denied = [...policies, ...policiesOf({ subject: "secrets", action: "read", inverted: true })]
    expect(isAllowed(denied, action, "secrets", anywhere)).toBe(false)
  })

  it("to read values is not to describe", () => {
    const policies = policiesOf({ subject: "secrets", action: ["readValue"] })
    expect(isAllowed(policies, "describeSecret", "secrets", anywhere)).toBe(false)
  })

  it("workspace is another name of the subject project", () => {
    const policies = policiesOf({ subject: "workspace", action: "edit" })
    expect(isAllowed(policies, "edit", "project", anywhere)).toBe(true)
  })

  it("a condition on what is not known allows nothing and denies", () => {
    const conditions = { environment: "prod" }
    const allow: Rule = { subject: "secrets", action: "readValue", conditions }
    const open: Rule = { subject: "secrets", action: "readValue" }
    expect(isAllowed(policiesOf(allow), "readValue", "secrets", anywhere)).toBe(false)
    const deny = policiesOf(open, { ...allow, inverted: true })
    expect(isAllowed(deny, "readValue", "secrets", anywhere)).toBe(false)
    expect(isAllowed(deny, "readValue", "secrets", { environment: "dev" })).toBe(true)
  })
})

describe("built-in roles", () => {
  it("roles add up", () => {
    const both = policiesOfGrants([forGood("viewer"), forGood("no-access")], 0)
    expect(isAllowed(both, "readValue", "secrets", anywhere)).toBe(true)
    expect(policiesOfGrants([forGood("not-a-role")], 0)).toEqual([])
    expect(policiesOfRole("ADMIN")).toBeUndefined()
  })

  it.for([
    { now: 99, active: false },
    { now: 100, active: true },
    { now: 199, active: true },
    { now: 200, active: false },
  ])("a grant from 100 to 200 at $now: $active", ({ now, active }) => {
    expect(isGrantActive({ role: "viewer", startsAt: 100, endsAt: 200 }, now)).toBe(active)
  })
})
