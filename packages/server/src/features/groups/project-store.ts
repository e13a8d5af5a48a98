/** The only file that adds to and takes from the tables project_group and project_group_role. */
import type { Reader, Writer } from "../../db/database.ts"
import type { ProjectGroupTable } from "../../db/schema.ts"
import { roleOfRow, rowOfRole, type StoredRole } from "../memberships/index.ts"

/** A group in a project. */
export type ProjectGroup = {
  readonly id: string
  readonly projectId: string
  readonly groupId: string
  readonly createdAt: number
  readonly updatedAt: number
}

export type ProjectGroupView = ProjectGroup & {
  readonly name: string
  readonly slug: string
  readonly roles: readonly StoredRole[]
}

export async function insertProjectGroup(db: Writer, of: ProjectGroup): Promise<void> {
  await db
    .insertInto("project_group")
    .values({
      id: of.id,
      project_id: of.projectId,
      group_id: of.groupId,
      created_at: of.createdAt,
      updated_at: of.updatedAt,
    })
    .execute()
}

export async function removeProjectGroup(db: Writer, of: ProjectGroup): Promise<void> {
  await db
    .deleteFrom("project_group")
    .where("id", "=", of.id)
    .where("project_id", "=", of.projectId)
    .execute()
}

/** Puts these roles in the place of those the group has in the project. */
export async function replaceGroupRoles(
  db: Writer,
  of: ProjectGroup,
  roles: readonly StoredRole[],
): Promise<void> {
  await db.deleteFrom("project_group_role").where("membership_id", "=", of.id).execute()
  const rows = roles.map((role) => rowOfRole(of.id, role))
  if (rows.length > 0) await db.insertInto("project_group_role").values(rows).execute()
}

/** `undefined` when the group is not in the project. */
export async function findProjectGroup(
  db: Reader,
  of: { readonly projectId: string; readonly groupId: string },
): Promise<ProjectGroup | undefined> {
  const row = await db
    .selectFrom("project_group")
    .selectAll()
    .where("project_id", "=", of.projectId)
    .where("group_id", "=", of.groupId)
    .executeTakeFirst()
  return row === undefined ? undefined : projectGroupOf(row)
}

/**
 * The projects a group is in. Their rows are locked, as a change of their roles does: what the group gives there stays
 * what it is until the write ends.
 */
export async function lockProjectsOfGroup(db: Writer, groupId: string): Promise<readonly ProjectGroup[]> {
  const memberships = db.selectFrom("project_group").select("project_id").where("group_id", "=", groupId)
  await db
    .updateTable("project")
    .set((eb) => ({ revision: eb.ref("revision") }))
    .where("id", "in", memberships)
    .execute()
  const rows = await db.selectFrom("project_group").selectAll().where("group_id", "=", groupId).execute()
  return rows.map(projectGroupOf)
}

/** Roles of groups in projects, by the id of the {@link ProjectGroup}. */
export async function listGroupRoles(
  db: Reader,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly StoredRole[]>> {
  const roles = new Map<string, StoredRole[]>()
  if (ids.length === 0) return roles
  const rows = await db
    .selectFrom("project_group_role as r")
    .innerJoin("project_group as m", "m.id", "r.membership_id")
    .leftJoin("project_role as c", (join) =>
      join.onRef("c.project_id", "=", "m.project_id").onRef("c.slug", "=", "r.role"),
    )
    .selectAll("r")
    .select(["c.id as custom_id", "c.name as custom_name"])
    .where("r.membership_id", "in", ids)
    .orderBy("r.created_at")
    .orderBy("r.id")
    .execute()
  for (const row of rows) {
    roles.set(row.membership_id, [...(roles.get(row.membership_id) ?? []), roleOfRow(row)])
  }
  return roles
}

/** Groups of a project with their roles, by name. */
export async function listProjectGroups(
  db: Reader,
  filter: { readonly projectId: string; readonly groupId?: string },
  page: { readonly offset: number; readonly limit: number },
): Promise<{ readonly groups: readonly ProjectGroupView[]; readonly totalCount: number }> {
  let query = db
    .selectFrom("project_group as m")
    .innerJoin("user_group as g", "g.id", "m.group_id")
    .where("m.project_id", "=", filter.projectId)
  if (filter.groupId !== undefined) query = query.where("m.group_id", "=", filter.groupId)
  const { count } = await query.select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow()
  const rows = await query
    .selectAll("m")
    .select(["g.name", "g.slug"])
    .orderBy("g.name")
    .orderBy("m.id")
    .offset(page.offset)
    .limit(page.limit)
    .execute()
  const roles = await listGroupRoles(
    db,
    rows.map((row) => row.id),
  )
  const groups = rows.map((row) => ({
    ...projectGroupOf(row),
    name: row.name,
    slug: row.slug,
    roles: roles.get(row.id) ?? [],
  }))
  return { groups, totalCount: Number(count) }
}

function projectGroupOf(row: ProjectGroupTable): ProjectGroup {
  return {
    id: row.id,
    projectId: row.project_id,
    groupId: row.group_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
