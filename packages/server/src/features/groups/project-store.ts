/** The only file that adds to and takes from the table project_group. */
import type { Reader, Writer } from "../../db/database.ts"
import type { ProjectGroupTable } from "../../db/schema.ts"
import { listRoles, type StoredRole } from "../memberships/index.ts"

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
  const roles = await listRoles(
    db,
    "group",
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
