/** The only file that writes the table project_role; it also renames roles where members hold them. */
import type { PermissionRule } from "@coffer/contract"
import type { Reader, Writer } from "../../db/database.ts"
import type { ProjectRoleTable } from "../../db/schema.ts"
import type { Role } from "./domain.ts"

export async function insertRole(db: Writer, role: Role): Promise<void> {
  await db
    .insertInto("project_role")
    .values({
      id: role.id,
      project_id: role.projectId,
      slug: role.slug,
      name: role.name,
      description: role.description,
      permissions: JSON.stringify(role.permissions),
      version: role.version,
      created_at: role.createdAt,
      updated_at: role.updatedAt,
    })
    .execute()
}

export async function updateRole(db: Writer, role: Role): Promise<void> {
  await db
    .updateTable("project_role")
    .set({
      slug: role.slug,
      name: role.name,
      description: role.description,
      permissions: JSON.stringify(role.permissions),
      version: role.version,
      updated_at: role.updatedAt,
    })
    .where("id", "=", role.id)
    .where("project_id", "=", role.projectId)
    .execute()
}

export async function removeRole(db: Writer, role: Role): Promise<void> {
  await db
    .deleteFrom("project_role")
    .where("id", "=", role.id)
    .where("project_id", "=", role.projectId)
    .execute()
}

/** `undefined` when the project has no such custom role. */
export async function findRole(
  db: Reader,
  projectId: string,
  ref: { readonly id: string } | { readonly slug: string },
): Promise<Role | undefined> {
  const query = db.selectFrom("project_role").selectAll().where("project_id", "=", projectId)
  const row = await ("id" in ref
    ? query.where("id", "=", ref.id)
    : query.where("slug", "=", ref.slug)
  ).executeTakeFirst()
  return row === undefined ? undefined : roleOf(row)
}

/** Custom roles of a project by slug: all, or those with one of the slugs. */
export async function listRoles(
  db: Reader,
  projectId: string,
  slugs?: readonly string[],
): Promise<readonly Role[]> {
  if (slugs?.length === 0) return []
  let query = db.selectFrom("project_role").selectAll().where("project_id", "=", projectId)
  if (slugs !== undefined) query = query.where("slug", "in", slugs)
  return (await query.orderBy("slug").execute()).map(roleOf)
}

/** Who holds a role: identities and users, and users through groups. */
export async function listHolders(
  db: Reader,
  role: Pick<Role, "projectId" | "slug">,
): Promise<{ readonly memberships: number; readonly actorIds: readonly string[] }> {
  const own = await db
    .selectFrom("project_membership_role as r")
    .innerJoin("project_membership as m", "m.id", "r.membership_id")
    .select(["m.id", "m.actor_id"])
    .where("m.project_id", "=", role.projectId)
    .where("r.role", "=", role.slug)
    .execute()
  const groups = await db
    .selectFrom("project_group_role as r")
    .innerJoin("project_group as m", "m.id", "r.membership_id")
    .leftJoin("user_group_member as u", "u.group_id", "m.group_id")
    .select(["m.id", "u.user_id as actor_id"])
    .where("m.project_id", "=", role.projectId)
    .where("r.role", "=", role.slug)
    .execute()
  const all = [...own, ...groups]
  return {
    memberships: new Set(all.map((row) => row.id)).size,
    actorIds: [...new Set(all.flatMap((row) => row.actor_id ?? []))],
  }
}

/** Lets every holder of `slug` hold `newSlug` in its place. */
export async function renameRole(
  db: Writer,
  of: { readonly projectId: string; readonly slug: string; readonly newSlug: string },
): Promise<void> {
  const members = db.selectFrom("project_membership").select("id").where("project_id", "=", of.projectId)
  await db
    .updateTable("project_membership_role")
    .set({ role: of.newSlug })
    .where("role", "=", of.slug)
    .where("membership_id", "in", members)
    .execute()
  const groups = db.selectFrom("project_group").select("id").where("project_id", "=", of.projectId)
  await db
    .updateTable("project_group_role")
    .set({ role: of.newSlug })
    .where("role", "=", of.slug)
    .where("membership_id", "in", groups)
    .execute()
}

function roleOf(row: ProjectRoleTable): Role {
  return {
    id: row.id,
    projectId: row.project_id,
    slug: row.slug,
    name: row.name,
    description: row.description,
    permissions: JSON.parse(row.permissions) as readonly PermissionRule[],
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
