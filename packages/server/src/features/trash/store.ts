import type { Reader } from "../../db/database.ts"

/** Shared secrets that are gone and whose values are still kept. */
export async function listKeptValues(db: Reader, projectId: string): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("secret_version as v")
    .leftJoin("secret as s", "s.id", "v.secret_id")
    .select("v.secret_id")
    .where("v.project_id", "=", projectId)
    .where("v.type", "=", "shared")
    .where("v.value_sealed", "is not", null)
    .where("s.id", "is", null)
    .groupBy("v.secret_id")
    .execute()
  return new Set(rows.map((row) => row.secret_id))
}
