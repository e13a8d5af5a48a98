/** The rules behind the roles that are not built in, and the privileges of single members. */
import type { PermissionRule } from "@coffer/contract"
import type { CustomRules, RoleGrant } from "../actor.ts"
import type { Reader } from "../db/database.ts"
import { BoundedMap } from "./bounded-map.ts"

/** A grant and the project it counts in; without `grant` the actor is a member with no role. */
export type ProjectGrant = {
  readonly orgId: string
  readonly projectId: string
  readonly grant: RoleGrant | undefined
}

/** A role as a membership names it; `role` is `null` when the membership has none. */
export type NamedRole = {
  readonly org_id: string
  readonly project_id: string
  readonly role: string | null
  readonly starts_at: number | null
  readonly ends_at: number | null
  /** Set when it is held through a group. */
  readonly group_id?: string
  readonly group_name?: string
}

const builtIn = new Set(["admin", "member", "viewer", "no-access"])

/**
 * Turns named roles into grants with the rules of custom roles, and adds the actor's privileges. A name that no role of
 * the project has stays without rules, which grants nothing.
 */
export async function withCustomRules(
  reader: Reader,
  actor: { readonly kind: "identity" | "user"; readonly id: string },
  named: readonly NamedRole[],
): Promise<readonly ProjectGrant[]> {
  const roles = await loadRoles(reader, named)
  const grants = named.map((row): ProjectGrant => {
    const at = { orgId: row.org_id, projectId: row.project_id }
    if (row.role === null) return { ...at, grant: undefined }
    const custom = roles.get(roleKey(row.project_id, row.role))
    const { group_id: id, group_name: name = "" } = row
    const through = id === undefined ? {} : { group: { id, name } }
    const grant = { role: row.role, startsAt: row.starts_at, endsAt: row.ends_at, ...through }
    return { ...at, grant: custom === undefined ? grant : { ...grant, custom } }
  })
  return [...grants, ...(await loadPrivileges(reader, actor))]
}

async function loadRoles(reader: Reader, named: readonly NamedRole[]): Promise<Map<string, CustomRules>> {
  const custom = named.filter((row) => row.role !== null && !builtIn.has(row.role))
  if (custom.length === 0) return new Map()
  const rows = await reader
    .selectFrom("project_role")
    .select(["id", "project_id", "slug", "permissions", "version"])
    .where("project_id", "in", [...new Set(custom.map((row) => row.project_id))])
    .where("slug", "in", [...new Set(custom.map((row) => row.role ?? ""))])
    .execute()
  return new Map(
    rows.map((row) => [roleKey(row.project_id, row.slug), rulesOf(reader, { kind: "role", ...row })]),
  )
}

async function loadPrivileges(
  reader: Reader,
  actor: { readonly kind: "identity" | "user"; readonly id: string },
): Promise<readonly ProjectGrant[]> {
  const rows = await reader
    .selectFrom("project_privilege as v")
    .innerJoin("project_membership as m", "m.id", "v.membership_id")
    .innerJoin("project as p", "p.id", "m.project_id")
    .select(["p.org_id", "m.project_id", "v.id", "v.slug", "v.permissions", "v.version"])
    .select(["v.starts_at", "v.ends_at"])
    .where("m.actor_type", "=", actor.kind)
    .where("m.actor_id", "=", actor.id)
    .execute()
  return rows.map((row) => ({
    orgId: row.org_id,
    projectId: row.project_id,
    grant: {
      role: row.slug,
      startsAt: row.starts_at,
      endsAt: row.ends_at,
      custom: rulesOf(reader, { kind: "privilege", ...row }),
    },
  }))
}

function roleKey(projectId: string, slug: string): string {
  return `${projectId}/${slug}`
}

type KnownRules = { readonly text: string; readonly rules: CustomRules }

const known = new WeakMap<Reader, BoundedMap<string, KnownRules>>()

/**
 * One object per version, however many hold it, so that rules are compiled once. A project that comes back from an archive
 * has its roles under the same ids, and goes through the same versions again with other rules: so the text has to be the same.
 */
function rulesOf(
  reader: Reader,
  row: Pick<CustomRules, "kind" | "id" | "version"> & { readonly permissions: string },
): CustomRules {
  const versions = known.get(reader) ?? new BoundedMap<string, KnownRules>(5_000)
  known.set(reader, versions)
  const key = `${row.kind}:${row.id}@${row.version}`
  const seen = versions.get(key)
  if (seen?.text === row.permissions) return seen.rules
  const permissions = JSON.parse(row.permissions) as readonly PermissionRule[]
  const rules = { kind: row.kind, id: row.id, version: row.version, permissions }
  versions.set(key, { text: row.permissions, rules })
  return rules
}
