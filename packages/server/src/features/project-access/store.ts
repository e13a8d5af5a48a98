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
    .execute()
}
