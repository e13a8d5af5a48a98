import { describe, expect, it } from "vitest"
import {
  covers,
  isAllowedInOrganization,
  isOrganizationRole,
  type OrganizationAction,
} from "./organization.ts"

/** Who may do what; an action that is added has to be decided here too. */
const allowed: Readonly<Record<OrganizationAction, readonly string[]>> = {
  "read-identities": ["admin", "member"],
  "create-identities": ["admin", "member"],
  "edit-identities": ["admin", "member"],
  "delete-identities": ["admin", "member"],
  "manage-credentials": ["admin"],
  "create-projects": ["admin", "member"],
  "enter-projects": ["admin"],
  "read-audit-logs": ["admin", "member"],
  "manage-audit": ["admin"],
  "read-members": ["admin", "member"],
  "manage-members": ["admin"],
  "read-groups": ["admin", "member"],
  "manage-groups": ["admin"],
  "manage-sign-on": ["admin"],
}
const roles = ["admin", "member", "no-access"]

describe("roles of an organization", () => {
  it.for(Object.entries(allowed))("who may %s", ([action, whose]) => {
    const may = [...roles, "viewer", ""].filter((role) =>
      isAllowedInOrganization(role, action as OrganizationAction),
    )
    expect(may).toEqual(whose)
  })

  it("each covers itself and those below, and none covers or is covered by what is no role", () => {
    const covered = (held: string) => [...roles, "owner", ""].filter((wanted) => covers(held, wanted))
    expect(covered("admin")).toEqual(["admin", "member", "no-access"])
    expect(covered("member")).toEqual(["member", "no-access"])
    expect(covered("no-access")).toEqual(["no-access"])
    expect(covered("owner")).toEqual([])
    expect([...roles, "viewer", "owner", "constructor", ""].filter(isOrganizationRole)).toEqual(roles)
  })
})
