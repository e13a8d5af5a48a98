import type { Reader } from "../../db/database.ts"

/** Where the shared secret of this id lives now; `undefined` when there is none. */
export async function findPlaceOfSecret(
  db: Reader,
  secretId: string,
): Promise<{ readonly projectId: string; readonly folderId: string; readonly key: string } | undefined> {
  return await db
    .selectFrom("secret")
    .select(["project_id as projectId", "folder_id as folderId", "key"])
    .where("id", "=", secretId)
    .where("type", "=", "shared")
    .executeTakeFirst()
}
