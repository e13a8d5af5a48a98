import type { Reader } from "../../db/database.ts"

/** Where the shared secret of this id lives now; `undefined` when there is none. */
export async function findPlaceOfSecret(
  db: Reader,
  secretId: string,
): Promise<{ readonly projectId: string; readonly folderId: string; readonly key: string } | undefined> {
  return await db
    .selectFrom("secret as s")
    .innerJoin("project as p", "p.id", "s.project_id")
    .select(["s.project_id as projectId", "s.folder_id as folderId", "s.key"])
    .where("s.id", "=", secretId)
    .where("s.type", "=", "shared")
    .where("p.is_hidden", "=", 0)
    .executeTakeFirst()
}
