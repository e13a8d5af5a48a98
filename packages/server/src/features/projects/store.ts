/**
 * Writes the tables project and former_slug; only the revision of a project, which every write advances, projects that
 * come out of an archive, and those that go, are written elsewhere.
 */
import type { ProjectRecord } from "../../cache/index.ts"
import type { Reader, Writer } from "../../db/database.ts"

export async function insertProject(db: Writer, project: ProjectRecord): Promise<void> {
  await db
    .insertInto("project")
    .values({
      id: project.id,
      org_id: project.orgId,
      name: project.name,
      slug: project.slug,
      description: project.description,
      revision: project.revision,
      auto_capitalization: project.autoCapitalization ? 1 : 0,
      has_delete_protection: project.hasDeleteProtection ? 1 : 0,
      version_limit: project.versionLimit,
      audit_retention_days: project.auditRetentionDays,
      created_at: project.createdAt,
      updated_at: project.updatedAt,
    })
    .execute()
}

export async function updateProject(db: Writer, project: ProjectRecord): Promise<void> {
  await db
    .updateTable("project")
    .set({
      name: project.name,
      slug: project.slug,
      description: project.description,
      auto_capitalization: project.autoCapitalization ? 1 : 0,
      has_delete_protection: project.hasDeleteProtection ? 1 : 0,
      version_limit: project.versionLimit,
      updated_at: project.updatedAt,
    })
    .where("id", "=", project.id)
    .execute()
}

/** Keeps the slug that a project had until now, so that whoever still asks for it is told the new one. */
export async function rememberSlug(
  db: Writer,
  of: { readonly orgId: string; readonly projectId: string; readonly slug: string; readonly now: number },
): Promise<void> {
  const row = { project_id: of.projectId, until: of.now }
  await db
    .insertInto("former_slug")
    .values({ ...row, org_id: of.orgId, slug: of.slug })
    .onConflict((conflict) => conflict.columns(["org_id", "slug"]).doUpdateSet(row))
    .execute()
}

export async function isSlugTaken(db: Reader, orgId: string, slug: string): Promise<boolean> {
  const row = await db
    .selectFrom("project")
    .select("id")
    .where("org_id", "=", orgId)
    .where("slug", "=", slug)
    .executeTakeFirst()
  return row !== undefined
}

/** Ids of the organization's projects among the given ones, by name. */
export async function listProjectIds(
  db: Reader,
  of: { readonly orgId: string; readonly ids: readonly string[] },
): Promise<string[]> {
  if (of.ids.length === 0) return []
  const rows = await db
    .selectFrom("project")
    .select("id")
    .where("org_id", "=", of.orgId)
    .where("id", "in", of.ids)
    .orderBy("name")
    .orderBy("id")
    .execute()
  return rows.map((row) => row.id)
}
