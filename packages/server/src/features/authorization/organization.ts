/** What each organization role may do (contract 4.3). Pure. */
export type OrganizationAction =
  | "read-identities"
  | "create-identities"
  | "edit-identities"
  | "delete-identities"
  | "manage-credentials"
  | "create-projects"
  | "enter-projects"
  | "read-audit-logs"
  | "manage-audit"
  | "read-members"
  | "manage-members"
  | "read-groups"
  | "manage-groups"
  | "manage-sign-on"

const organizationRoles: ReadonlyMap<string, ReadonlySet<OrganizationAction>> = new Map([
  [
    "admin",
    new Set<OrganizationAction>([
      "read-identities",
      "create-identities",
      "edit-identities",
      "delete-identities",
      "manage-credentials",
      "create-projects",
      "enter-projects",
      "read-audit-logs",
      "manage-audit",
      "read-members",
      "manage-members",
      "read-groups",
      "manage-groups",
      "manage-sign-on",
    ]),
  ],
  [
    "member",
    new Set<OrganizationAction>([
      "read-identities",
      "create-identities",
      "edit-identities",
      "delete-identities",
      "create-projects",
      "read-audit-logs",
      "read-members",
      "read-groups",
    ]),
  ],
  ["no-access", new Set<OrganizationAction>()],
])

export function isOrganizationRole(role: string): boolean {
  return organizationRoles.has(role)
}

export function isAllowedInOrganization(role: string, action: OrganizationAction): boolean {
  return organizationRoles.get(role)?.has(action) === true
}

const organizationRank: ReadonlyMap<string, number> = new Map([
  ["no-access", 0],
  ["member", 1],
  ["admin", 2],
])

/** True when someone with role `held` may hand out, or act for someone with, role `wanted`. */
export function covers(held: string, wanted: string): boolean {
  const rankHeld = organizationRank.get(held)
  const rankWanted = organizationRank.get(wanted)
  return rankHeld !== undefined && rankWanted !== undefined && rankHeld >= rankWanted
}
