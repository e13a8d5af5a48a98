/** Imports that did not come to their end. */
import type { Reader, Writer } from "../../db/database.ts"
import type { ImportRef } from "./staging-store.ts"

/** Imports that nobody went on with since `before`. */
export async function listAbandoned(db: Reader, before: number): Promise<readonly ImportRef[]> {
  return await db
    .selectFrom("project_import")
    .select(["project_id as projectId", "token"])
    .where("touched_at", "<=", before)
    .execute()
}

/** Ends an import that nobody went on with since `before`, so that whoever does is told; false when it ended otherwise. */
export async function giveUp(db: Writer, of: ImportRef, before: number): Promise<boolean> {
  const given = await db
    .deleteFrom("project_import")
    .where("project_id", "=", of.projectId)
    .where("token", "=", of.token)
    .where("touched_at", "<=", before)
    .executeTakeFirst()
  return given.numDeletedRows > 0n
}
