import type { Reader } from "../../db/database.ts"
import type { SlugCandidate } from "./closest-slug.ts"

const maxCandidates = 500

/** Slugs and names of the given projects of one organization. */
export async function listCandidates(
  db: Reader,
  of: { readonly orgId: string; readonly projectIds: readonly string[] },
): Promise<readonly SlugCandidate[]> {
  if (of.projectIds.length === 0) return []
  return await db
    .selectFrom("project")
    .select(["slug", "name"])
    .where("org_id", "=", of.orgId)
    .where("id", "in", of.projectIds.slice(0, maxCandidates))
    .where("is_hidden", "=", 0)
    .execute()
}

/** The slug of the project that had this one before it was renamed, if it is among those of the actor. */
export async function findRenamed(
  db: Reader,
  of: { readonly orgId: string; readonly slug: string; readonly projectIds: readonly string[] },
): Promise<string | undefined> {
  const row = await db
    .selectFrom("former_slug as f")
    .innerJoin("project as p", "p.id", "f.project_id")
    .select(["p.id", "p.slug"])
    .where("f.org_id", "=", of.orgId)
    .where("f.slug", "=", of.slug)
    .executeTakeFirst()
  return row !== undefined && of.projectIds.includes(row.id) ? row.slug : undefined
}
