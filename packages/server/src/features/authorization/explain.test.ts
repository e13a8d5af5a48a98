import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { RoleGrant } from "../../actor.ts"
import { isAllowed, type Rule } from "./domain.ts"
import { explain } from "./explain.ts"
import { policiesOfGrants } from "./grants.ts"
import { aPolicy, aResource } from "./testing/arbitraries.ts"

const now = 1_000

function grantOf(permissions: readonly Rule[], index: number, endsAt: number | null) {
  const custom = { kind: "role", id: `role-${index}`, version: 1, permissions } as NonNullable<
    RoleGrant["custom"]
  >
  return { role: custom.id, startsAt: null, endsAt, custom } satisfies RoleGrant
}

describe("the explanation of a decision", () => {
  it("says what authorization decides, for whatever rules, and names a rule that is in force", () => {
    const endings = fc.constantFrom(null, 500, 2_000)
    const someGrants = fc.array(fc.tuple(aPolicy, endings), { maxLength: 4 })
    const action = fc.constantFrom("describeSecret", "readValue", "create", "edit", "delete" as const)
    fc.assert(
      fc.property(someGrants, action, aResource, (policies, asked, resource) => {
        const grants = policies.map(([rules, endsAt], index) => grantOf(rules, index, endsAt))
        const decision = isAllowed(policiesOfGrants(grants, now), asked, "secrets", resource)
        const found = explain(grants, { action: asked, subject: "secrets", resource, now })
        expect(found.isAllowed).toBe(decision)
        expect(found.decidedBy === undefined).toBe(found.reason === "no-rule-allows")
        if (found.decidedBy === undefined) return
        expect(found.decidedBy.grant.isActive).toBe(true)
        expect(found.decidedBy.rule.isInForce).toBe(true)
        expect(found.decidedBy.rule.rule.inverted === true).toBe(!decision)
      }),
      { numRuns: 500 },
    )
  })
})
