/** Which projects have an admin; reads only. */
import { chunksOf } from "../../db/chunks.ts"
import type { Reader } from "../../db/database.ts"

/** Those of the projects that have an admin: active in the organization, with the role for good, also through a group. */
export async function listAdministered(db: Reader, projectIds: readonly string[]): Promise<string[]> {
  const administered = new Set<string>()
  for (const ids of chunksOf(projectIds)) {
    for (const id of await administeredOf(db, ids)) administered.add(id)
  }
  return [...administered]
}

async function administeredOf(db: Reader, projectIds: readonly string[]): Promise<readonly string[]> {
  const own = await db
    .selectFrom("project_membership as m")
    .innerJoin("project_membership_role as r", "r.membership_id", "m.id")
    .innerJoin("project as p", "p.id", "m.project_id")
    .innerJoin("organization_membership as o", (join) =>
      join
        .onRef("o.org_id", "=", "p.org_id")
        .onRef("o.actor_type", "=", "m.actor_type")
        .onRef("o.actor_id", "=", "m.actor_id"),
    )
    .select("m.project_id")
    .distinct()
    .where("m.project_id", "in", projectIds)
    .where("r.role", "=", "admin")
    .where("r.is_temporary", "=", 0)
    .where("o.is_active", "=", 1)
    .execute()
  const throughGroups = await db
    .selectFrom("project_group as m")
    .innerJoin("project_group_role as r", "r.membership_id", "m.id")
    .innerJoin("project as p", "p.id", "m.project_id")
    .innerJoin("user_group_member as gm", "gm.group_id", "m.group_id")
    .innerJoin("organization_membership as o", (join) =>
      join
        .onRef("o.org_id", "=", "p.org_id")
        .on("o.actor_type", "=", "user")
        .onRef("o.actor_id", "=", "gm.user_id"),
    )
    .select("m.project_id")
    .distinct()
    .where("m.project_id", "in", projectIds)
    .where("r.role", "=", "admin")
    .where("r.is_temporary", "=", 0)
    .where("o.is_active", "=", 1)
    .execute()
  return [...own, ...throughGroups].map((row) => row.project_id)
}

/** In alphabetical order. */
export async function listSlugs(db: Reader, projectIds: readonly string[]): Promise<string[]> {
  const slugs: string[] = []
  for (const ids of chunksOf(projectIds)) {
    const rows = await db.selectFrom("project").select("slug").where("id", "in", ids).execute()
    for (const row of rows) slugs.push(row.slug)
  }
  return slugs.sort()
}
