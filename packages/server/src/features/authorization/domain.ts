/**
 * What each role may do (contract 4.1-4.3). Roles are data; deny wins over allow; pure.
 */
import type { RoleGrant } from "../../actor.ts"

export type Subject =
  | "secrets"
  | "secret-folders"
  | "secret-imports"
  | "environments"
  | "tags"
  | "member"
  | "identity"
  | "role"
  | "settings"
  | "project"
  | "audit-logs"
  | "secret-events"
  | "secret-rollback"

export type Action =
  | "read"
  | "describeSecret"
  | "readValue"
  | "create"
  | "edit"
  | "delete"
  | "grant-privileges"
  | "subscribe"

/** One line of a role: everything it names is allowed, or denied when inverted. */
export type Rule = {
  readonly subject: Subject
  readonly action: Action
  readonly inverted?: boolean
}

function allow(subject: Subject, ...actions: readonly Action[]): readonly Rule[] {
  return actions.map((action) => ({ subject, action }))
}

const readEverything: readonly Rule[] = [
  ...allow("secrets", "describeSecret", "readValue"),
  ...allow("secret-folders", "read"),
  ...allow("secret-imports", "read"),
  ...allow("environments", "read"),
  ...allow("tags", "read"),
  ...allow("member", "read"),
  ...allow("identity", "read"),
  ...allow("role", "read"),
  ...allow("settings", "read"),
  ...allow("project", "read"),
  ...allow("audit-logs", "read"),
  ...allow("secret-events", "subscribe"),
  ...allow("secret-rollback", "read"),
]

const changeContents: readonly Rule[] = [
  ...allow("secrets", "create", "edit", "delete"),
  ...allow("secret-folders", "create", "edit", "delete"),
  ...allow("secret-imports", "create", "edit", "delete"),
  ...allow("environments", "create", "edit", "delete"),
  ...allow("tags", "create", "edit", "delete"),
  ...allow("member", "create"),
  ...allow("identity", "create", "edit", "delete"),
  ...allow("settings", "edit"),
  ...allow("secret-rollback", "create"),
]

const administer: readonly Rule[] = [
  ...allow("member", "edit", "delete", "grant-privileges"),
  ...allow("identity", "grant-privileges"),
  ...allow("role", "create", "edit", "delete"),
  ...allow("project", "edit", "delete"),
]

const builtInRoles: ReadonlyMap<string, readonly Rule[]> = new Map([
  ["admin", [...readEverything, ...changeContents, ...administer]],
  ["member", [...readEverything, ...changeContents]],
  ["viewer", readEverything],
  ["no-access", []],
])

/** The rules of a role; `undefined` when there is no such role. */
export function rulesOfRole(role: string): readonly Rule[] | undefined {
  return builtInRoles.get(role)
}

/** A temporary grant counts from its start until its end, the end excluded. */
export function isGrantActive(grant: RoleGrant, now: number): boolean {
  return (grant.startsAt === null || grant.startsAt <= now) && (grant.endsAt === null || now < grant.endsAt)
}

/** The rules that all active grants add up to. */
export function rulesOfGrants(grants: readonly RoleGrant[], now: number): readonly Rule[] {
  const only = grants.length === 1 ? grants[0] : undefined
  if (only !== undefined) return isGrantActive(only, now) ? (rulesOfRole(only.role) ?? []) : []
  return grants.filter((grant) => isGrantActive(grant, now)).flatMap((grant) => rulesOfRole(grant.role) ?? [])
}

/** Deny wins over allow; what no rule names is refused. */
export function isAllowed(rules: readonly Rule[], action: Action, subject: Subject): boolean {
  let allowed = false
  for (const rule of rules) {
    if (rule.subject !== subject || rule.action !== action) continue
    if (rule.inverted === true) return false
    allowed = true
  }
  return allowed
}

/** Rules of `wanted` that `held` does not cover: what an actor would hand out beyond its own. */
export function missingRules(held: readonly Rule[], wanted: readonly Rule[]): readonly Rule[] {
  return wanted.filter((rule) => rule.inverted !== true && !isAllowed(held, rule.action, rule.subject))
}

export type OrganizationAction =
  | "read-identities"
  | "create-identities"
  | "edit-identities"
  | "delete-identities"
  | "manage-credentials"
  | "create-projects"
  | "read-audit-logs"

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
      "read-audit-logs",
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
