/** The only file that writes the tables user_group and user_group_member. */
import { sql } from "kysely"
import type { Reader, Writer } from "../../db/database.ts"
import type { UserGroupTable } from "../../db/schema.ts"

export type Group = {
  readonly id: string
  readonly orgId: string
  readonly name: string
  readonly slug: string
  readonly createdAt: number
  readonly updatedAt: number
}

/** A person of the organization, as seen from a group. */
export type GroupUser = {
  readonly id: string
  readonly email: string
  readonly firstName: string
  readonly lastName: string
  /** `null`: is not in the group. */
  readonly joinedAt: number | null
}

export async function insertGroup(db: Writer, group: Group): Promise<void> {
  await db
    .insertInto("user_group")
    .values({
      id: group.id,
      org_id: group.orgId,
      name: group.name,
      slug: group.slug,
      created_at: group.createdAt,
      updated_at: group.updatedAt,
    })
    .execute()
}

export async function updateGroup(db: Writer, group: Group): Promise<void> {
  await db
    .updateTable("user_group")
    .set({ name: group.name, slug: group.slug, updated_at: group.updatedAt })
    .where("id", "=", group.id)
    .where("org_id", "=", group.orgId)
    .execute()
}

/** Removes it with its members and with what it has in projects. */
export async function removeGroup(db: Writer, group: Group): Promise<void> {
  await db.deleteFrom("user_group").where("id", "=", group.id).where("org_id", "=", group.orgId).execute()
}

/** By id, slug or, where only one group has it, name; an id wins over a slug and a slug over a name. */
export async function findGroup(db: Reader, orgId: string, named: string): Promise<Group | undefined> {
  const rows = await db
    .selectFrom("user_group")
    .selectAll()
    .where("org_id", "=", orgId)
    .where((eb) => eb.or([eb("id", "=", named), eb("slug", "=", named), eb("name", "=", named)]))
    .limit(4)
    .execute()
  const byName = rows.length === 1 ? rows[0] : undefined
  const row = rows.find(({ id }) => id === named) ?? rows.find(({ slug }) => slug === named) ?? byName
  return row === undefined ? undefined : groupOf(row)
}

/** The group as it is now, locked until the write ends; `undefined` when it is gone. */
export async function lockGroup(db: Writer, group: Pick<Group, "id" | "orgId">): Promise<Group | undefined> {
  const row = await db
    .updateTable("user_group")
    .set((eb) => ({ updated_at: eb.ref("updated_at") }))
    .where("id", "=", group.id)
    .where("org_id", "=", group.orgId)
    .returningAll()
    .executeTakeFirst()
  return row === undefined ? undefined : groupOf(row)
}

/** By name. */
export async function listGroups(
  db: Reader,
  orgId: string,
  page: { readonly offset: number; readonly limit: number },
): Promise<readonly Group[]> {
  const rows = await db
    .selectFrom("user_group")
    .selectAll()
    .where("org_id", "=", orgId)
    .orderBy("name")
    .orderBy("id")
    .offset(page.offset)
    .limit(page.limit)
    .execute()
  return rows.map(groupOf)
}

/** False when the person was in the group before. */
export async function insertGroupMember(
  db: Writer,
  of: { readonly groupId: string; readonly userId: string },
  now: number,
): Promise<boolean> {
  const result = await db
    .insertInto("user_group_member")
    .values({ group_id: of.groupId, user_id: of.userId, created_at: now })
    .onConflict((conflict) => conflict.columns(["group_id", "user_id"]).doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** False when the person was not in the group. */
export async function removeGroupMember(
  db: Writer,
  of: { readonly groupId: string; readonly userId: string },
): Promise<boolean> {
  const result = await db
    .deleteFrom("user_group_member")
    .where("group_id", "=", of.groupId)
    .where("user_id", "=", of.userId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** Takes a user out of every group of an organization. */
export async function leaveGroups(
  db: Writer,
  of: { readonly orgId: string; readonly userId: string },
): Promise<void> {
  await db
    .deleteFrom("user_group_member")
    .where("user_id", "=", of.userId)
    .where("group_id", "in", db.selectFrom("user_group").select("id").where("org_id", "=", of.orgId))
    .execute()
}

export async function listMemberIdsOfGroup(db: Reader, groupId: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("user_group_member")
    .select("user_id")
    .where("group_id", "=", groupId)
    .execute()
  return rows.map((row) => row.user_id)
}

/** An active member of the organization by e-mail address, which is the user name. */
export async function findOrganizationUser(
  db: Reader,
  orgId: string,
  email: string,
): Promise<Omit<GroupUser, "joinedAt"> | undefined> {
  const row = await peopleOf(db, orgId)
    .select(["u.id", "u.email", "u.first_name as firstName", "u.last_name as lastName"])
    .where("u.email", "=", email)
    .executeTakeFirst()
  return row
}

export type GroupUserFilter = {
  readonly search: string | undefined
  readonly email: string | undefined
  readonly membership: "existingMembers" | "nonMembers" | undefined
}

/** People of the organization and whether they are in the group, by e-mail address. */
export async function listGroupUsers(
  db: Reader,
  group: Pick<Group, "id" | "orgId">,
  filter: GroupUserFilter & { readonly offset: number; readonly limit: number },
): Promise<{ readonly users: readonly GroupUser[]; readonly totalCount: number }> {
  let query = peopleOf(db, group.orgId).leftJoin("user_group_member as gm", (join) =>
    join.onRef("gm.user_id", "=", "u.id").on("gm.group_id", "=", group.id),
  )
  if (filter.email !== undefined) query = query.where("u.email", "=", filter.email.toLowerCase())
  if (filter.search !== undefined) {
    const pattern = `%${filter.search.toLowerCase().replace(/[\\%_]/g, (one) => `\\${one}`)}%`
    query = query.where(
      sql<boolean>`(u.email like ${pattern} escape '\\' or lower(u.first_name || ' ' || u.last_name) like ${pattern} escape '\\')`,
    )
  }
  if (filter.membership === "existingMembers") query = query.where("gm.user_id", "is not", null)
  if (filter.membership === "nonMembers") query = query.where("gm.user_id", "is", null)
  const { count } = await query.select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow()
  const users = await query
    .select(["u.id", "u.email", "u.first_name as firstName", "u.last_name as lastName"])
    .select("gm.created_at as joinedAt")
    .orderBy("u.email")
    .offset(filter.offset)
    .limit(filter.limit)
    .execute()
  return { users, totalCount: Number(count) }
}

function peopleOf(db: Reader, orgId: string) {
  return db
    .selectFrom("user_account as u")
    .innerJoin("organization_membership as o", "o.actor_id", "u.id")
    .where("o.org_id", "=", orgId)
    .where("o.actor_type", "=", "user")
    .where("o.is_active", "=", 1)
}

function groupOf(row: UserGroupTable): Group {
  return {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    slug: row.slug,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
