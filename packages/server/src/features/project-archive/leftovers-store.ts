/** Imports that did not come to their end, and taking away what they wrote. */
import type { Reader, Writer } from "../../db/database.ts"
import { chunksOf, type ImportRef } from "./staging-store.ts"

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

/** Projects that an import left behind half done, and that no import goes on with. */
export async function listLeftovers(db: Reader): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("project as p")
    .leftJoin("project_import as i", "i.project_id", "p.id")
    .select("p.id")
    .where("p.is_importing", "=", 1)
    .where("i.project_id", "is", null)
    .execute()
  return rows.map((row) => row.id)
}

const sliceSize = 2_000

/** Removes some of what a given-up import wrote; false when all of it is gone, or an import of the same id has begun. */
export async function removeSlice(db: Writer, projectId: string): Promise<boolean> {
  // Locks the row: a new import of this id waits until it is gone.
  const locked = await db
    .updateTable("project")
    .set({ is_importing: 1 })
    .where("id", "=", projectId)
    .where("is_importing", "=", 1)
    .where("id", "not in", (eb) => eb.selectFrom("project_import").select("project_id"))
    .executeTakeFirst()
  if (locked.numUpdatedRows === 0n) return false
  const rows = await db
    .selectFrom("secret_version")
    .select("secret_id")
    .where("project_id", "=", projectId)
    .limit(sliceSize)
    .execute()
  const ids = [...new Set(rows.map((row) => row.secret_id))]
  for (const chunk of chunksOf(ids)) {
    await db.deleteFrom("secret").where("project_id", "=", projectId).where("id", "in", chunk).execute()
    await db
      .deleteFrom("secret_version")
      .where("project_id", "=", projectId)
      .where("secret_id", "in", chunk)
      .execute()
  }
  if (rows.length > 0) return true
  await db.deleteFrom("project").where("id", "=", projectId).execute()
  return false
}
