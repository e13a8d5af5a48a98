/** The only file that adds to and takes from the table project_membership. */
import type { PermissionRule } from "@coffer/contract"
import { sql } from "kysely"
import type { Reader, Writer } from "../../db/database.ts"
import { listRoles, type StoredRole } from "./roles-store.ts"

export type MemberKind = "user" | "identity"

export type Membership = {
  readonly id: string
  readonly projectId: string
  readonly memberId: string
  readonly createdAt: number
  readonly updatedAt: number
}

export type IdentityMembership = Membership & {
  readonly identityName: string
  readonly authMethods: readonly string[]
  readonly projectName: string
  readonly roles: readonly StoredRole[]
}

export type UserMembership = Membership & {
  readonly user: {
    readonly id: string
    readonly email: string
    readonly firstName: string
    readonly lastName: string
  }
  readonly projectName: string
  readonly roles: readonly StoredRole[]
}

export async function insertMembership(
  db: Writer,
  member: Membership & { readonly kind: MemberKind },
): Promise<void> {
  await db
    .insertInto("project_membership")
    .values({
      id: member.id,
      project_id: member.projectId,
      actor_type: member.kind,
      actor_id: member.memberId,
      created_at: member.createdAt,
      updated_at: member.updatedAt,
    })
    .execute()
}

export async function removeMembership(db: Writer, membershipId: string): Promise<void> {
  await db.deleteFrom("project_membership").where("id", "=", membershipId).execute()
}

/** Removes an identity or user from every project; returns the projects. */
export async function removeMember(db: Writer, memberId: string): Promise<string[]> {
  const rows = await db
    .deleteFrom("project_membership")
    .where("actor_id", "=", memberId)
    .returning("project_id")
    .execute()
  return rows.map((row) => row.project_id)
}

/** Takes a user out of every project of an organization. */
export async function leaveProjects(
  db: Writer,
  of: { readonly orgId: string; readonly userId: string },
): Promise<void> {
  await db
    .deleteFrom("project_membership")
    .where("actor_type", "=", "user")
    .where("actor_id", "=", of.userId)
    .where("project_id", "in", db.selectFrom("project").select("id").where("org_id", "=", of.orgId))
    .execute()
}

/** Ids of everybody whose rights a project's memberships decide: identities, users, and users through groups. */
export async function listMemberIds(db: Reader, projectId: string): Promise<string[]> {
  const own = await db
    .selectFrom("project_membership")
    .select("actor_id")
    .where("project_id", "=", projectId)
    .execute()
  const throughGroups = await db
    .selectFrom("project_group as m")
    .innerJoin("user_group_member as gm", "gm.group_id", "m.group_id")
    .select("gm.user_id as actor_id")
    .where("m.project_id", "=", projectId)
    .execute()
  return [...new Set([...own, ...throughGroups].map((row) => row.actor_id))]
}

/** `undefined` when there is no such member. */
export async function findMembership(
  db: Reader,
  of: { readonly projectId: string; readonly memberId: string; readonly kind: MemberKind },
): Promise<Membership | undefined> {
  const row = await db
    .selectFrom("project_membership")
    .selectAll()
    .where("project_id", "=", of.projectId)
    .where("actor_type", "=", of.kind)
    .where("actor_id", "=", of.memberId)
    .executeTakeFirst()
  return row && membershipOf(row)
}

/** The membership of a person by its own id; `undefined` when the project has none such. */
export async function findUserMembership(
  db: Reader,
  of: { readonly projectId: string; readonly membershipId: string },
): Promise<Membership | undefined> {
  const row = await db
    .selectFrom("project_membership")
    .selectAll()
    .where("id", "=", of.membershipId)
    .where("project_id", "=", of.projectId)
    .where("actor_type", "=", "user")
    .executeTakeFirst()
  return row && membershipOf(row)
}

function membershipOf(row: {
  readonly id: string
  readonly project_id: string
  readonly actor_id: string
  readonly created_at: number
  readonly updated_at: number
}): Membership {
  return {
    id: row.id,
    projectId: row.project_id,
    memberId: row.actor_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** The memberships of an identity or a user, in whatever projects. */
export async function listMembershipsOf(
  db: Reader,
  memberId: string,
): Promise<readonly { readonly id: string; readonly projectId: string }[]> {
  const rows = await db
    .selectFrom("project_membership")
    .select(["id", "project_id"])
    .where("actor_id", "=", memberId)
    .orderBy("id")
    .execute()
  return rows.map((row) => ({ id: row.id, projectId: row.project_id }))
}

/** What the privileges of a member allow and deny; they end with the membership. */
export async function listPrivilegeRules(
  db: Reader,
  membershipId: string,
): Promise<readonly PermissionRule[]> {
  const rows = await db
    .selectFrom("project_privilege")
    .select("permissions")
    .where("membership_id", "=", membershipId)
    .execute()
  return rows.flatMap((row) => JSON.parse(row.permissions) as readonly PermissionRule[])
}

/** The people of a project, or one of them, by e-mail address. */
export async function listUserMemberships(
  db: Reader,
  of: { readonly projectId: string; readonly membershipId?: string },
  page: { readonly offset: number; readonly limit: number },
): Promise<{ readonly memberships: UserMembership[]; readonly totalCount: number }> {
  let query = db
    .selectFrom("project_membership as m")
    .innerJoin("user_account as u", "u.id", "m.actor_id")
    .innerJoin("project as p", "p.id", "m.project_id")
    .where("m.actor_type", "=", "user")
    .where("m.project_id", "=", of.projectId)
  if (of.membershipId !== undefined) query = query.where("m.id", "=", of.membershipId)
  const { count } = await query.select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow()
  const rows = await query
    .select(["m.id", "m.project_id", "m.actor_id", "m.created_at", "m.updated_at"])
    .select(["u.email", "u.first_name", "u.last_name", "p.name as project_name"])
    .orderBy("u.email")
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const roles = await listRoles(
    db,
    "member",
    rows.map((row) => row.id),
  )
  const memberships = rows.map((row) => ({
    ...membershipOf(row),
    user: { id: row.actor_id, email: row.email, firstName: row.first_name, lastName: row.last_name },
    projectName: row.project_name,
    roles: roles.get(row.id) ?? [],
  }))
  return { memberships, totalCount: Number(count) }
}

export type OrganizationProject = {
  readonly id: string
  readonly name: string
  readonly slug: string
  readonly orgId: string
  readonly createdAt: number
}

/** Every project of an organization, whoever belongs to it, by name; not those whose archive is still being read. */
export async function listOrganizationProjects(
  db: Reader,
  of: {
    readonly orgId: string
    readonly offset: number
    readonly limit: number
    readonly nameContains: string | undefined
  },
): Promise<{ readonly projects: readonly OrganizationProject[]; readonly totalCount: number }> {
  let query = db.selectFrom("project as p").where("p.org_id", "=", of.orgId).where("p.is_hidden", "=", 0)
  const needle = of.nameContains?.toLowerCase()
  if (needle !== undefined)
    query = query.where(sql<boolean>`lower(p.name) like ${patternOf(needle)} escape '\\'`)
  const { count } = await query.select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow()
  const projects = await query
    .select(["p.id", "p.name", "p.slug", "p.org_id as orgId", "p.created_at as createdAt"])
    .orderBy("p.name")
    .orderBy("p.id")
    .limit(of.limit)
    .offset(of.offset)
    .execute()
  return { projects, totalCount: Number(count) }
}

/** For `like ... escape '\'`: names that hold the text. */
function patternOf(needle: string): string {
  return `%${needle.replace(/[\\%_]/g, (character) => `\\${character}`)}%`
}

export type MembershipFilter = {
  readonly projectId?: string
  readonly identityId?: string
  readonly nameContains?: string | undefined
}

function identityMemberships(db: Reader, filter: MembershipFilter) {
  let query = db
    .selectFrom("project_membership as m")
    .innerJoin("identity as i", "i.id", "m.actor_id")
    .innerJoin("project as p", "p.id", "m.project_id")
    .where("m.actor_type", "=", "identity")
  if (filter.projectId !== undefined) query = query.where("m.project_id", "=", filter.projectId)
  if (filter.identityId !== undefined) query = query.where("m.actor_id", "=", filter.identityId)
  const needle = filter.nameContains?.toLowerCase()
  if (needle === undefined) return query
  return query.where(sql<boolean>`lower(i.name) like ${patternOf(needle)} escape '\\'`)
}

/** Identities of a project, or projects of an identity, ordered by identity and project name. */
export async function listIdentityMemberships(
  db: Reader,
  filter: MembershipFilter,
  page: { readonly offset: number; readonly limit: number; readonly isDescending?: boolean },
): Promise<{ readonly memberships: IdentityMembership[]; readonly totalCount: number }> {
  const { count } = await identityMemberships(db, filter)
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow()
  const rows = await identityMemberships(db, filter)
    .select([
      "m.id",
      "m.project_id",
      "m.actor_id",
      "m.created_at",
      "m.updated_at",
      "i.name as identity_name",
      "p.name as project_name",
    ])
    .orderBy("i.name", page.isDescending === true ? "desc" : "asc")
    .orderBy("p.name")
    .orderBy("m.id")
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const roles = await listRoles(
    db,
    "member",
    rows.map((row) => row.id),
  )
  const methods = await listMethods(
    db,
    rows.map((row) => row.actor_id),
  )
  const memberships = rows.map((row) => ({
    ...membershipOf(row),
    identityName: row.identity_name,
    projectName: row.project_name,
    authMethods: methods.get(row.actor_id) ?? [],
    roles: roles.get(row.id) ?? [],
  }))
  return { memberships, totalCount: Number(count) }
}

async function listMethods(db: Reader, identityIds: readonly string[]): Promise<Map<string, string[]>> {
  const methods = new Map<string, string[]>()
  if (identityIds.length === 0) return methods
  const rows = await db
    .selectFrom("identity_auth_method")
    .select(["identity_id", "method"])
    .where("identity_id", "in", [...new Set(identityIds)])
    .orderBy("method")
    .execute()
  for (const row of rows) methods.set(row.identity_id, [...(methods.get(row.identity_id) ?? []), row.method])
  return methods
}

/** True when the identity belongs to the organization. */
export async function isIdentityOf(db: Reader, orgId: string, identityId: string): Promise<boolean> {
  const row = await db
    .selectFrom("identity")
    .select("id")
    .where("id", "=", identityId)
    .where("org_id", "=", orgId)
    .executeTakeFirst()
  return row !== undefined
}

/** Users of the organization by e-mail address or user name, which are the same. */
export async function listUsersByEmail(
  db: Reader,
  orgId: string,
  emails: readonly string[],
): Promise<readonly { readonly id: string; readonly email: string }[]> {
  if (emails.length === 0) return []
  return await db
    .selectFrom("user_account as u")
    .innerJoin("organization_membership as m", "m.actor_id", "u.id")
    .select(["u.id", "u.email"])
    .where("m.org_id", "=", orgId)
    .where("m.actor_type", "=", "user")
    .where("u.email", "in", emails)
    .execute()
}
