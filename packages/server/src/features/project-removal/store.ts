/** Hides projects, and removes what hidden ones hold. */
import { sql } from "kysely"
import type { Reader, Writer } from "../../db/database.ts"

/**
 * Takes a project away from everybody in one write that is short however much it holds: rights in it end, its slug is
 * free, nothing follows its changes. Without its data keys its ciphertexts are lost for good. Its last revision is kept,
 * so that an archive that brings the id back goes on from there.
 */
export async function hideProject(
  db: Writer,
  of: { readonly projectId: string; readonly revision: number; readonly now: number },
): Promise<void> {
  for (const table of endingAtOnce) {
    await db.deleteFrom(table).where("project_id", "=", of.projectId).execute()
  }
  await db
    .updateTable("project")
    .set({
      is_hidden: 1,
      // No slug has a colon: nobody can hold this one already.
      slug: `removed:${of.projectId}`,
      name: "",
      description: null,
      version_limit: null,
      trash_days: null,
      audit_retention_days: null,
      updated_at: of.now,
    })
    .where("id", "=", of.projectId)
    .execute()
  const row = { revision: of.revision, removed_at: of.now }
  await db
    .insertInto("former_project")
    .values({ ...row, id: of.projectId })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
    .execute()
}

/** Rights, names and readers: few rows, and each means something while it is there. */
const endingAtOnce = [
  "project_membership",
  "project_group",
  "invitation_project",
  "former_slug",
  "change_cursor",
  "project_data_key",
] as const

/** Hidden projects that no import goes on with. */
export async function listRemovable(db: Reader): Promise<readonly string[]> {
  return (await removable(db).execute()).map((row) => row.id)
}

/** Whether what the project held is still to be removed. */
export async function isRemovable(db: Reader, projectId: string): Promise<boolean> {
  return (await removable(db).where("p.id", "=", projectId).executeTakeFirst()) !== undefined
}

function removable(db: Reader) {
  return db
    .selectFrom("project as p")
    .leftJoin("project_import as i", "i.project_id", "p.id")
    .select("p.id")
    .where("p.is_hidden", "=", 1)
    .where("i.project_id", "is", null)
}

/**
 * What a project may hold much of, by primary key, in an order in which the end of a row takes few others along: secrets
 * before their folders, folders from the leaves.
 */
const sliced = [
  { table: "webhook_delivery", key: ["id"] },
  { table: "webhook", key: ["id"] },
  { table: "secret", key: ["id"] },
  { table: "secret_version", key: ["secret_id", "version"] },
  { table: "secret_import", key: ["id"] },
  { table: "secret_import_version", key: ["import_id", "version"] },
  { table: "folder", key: ["id"] },
  { table: "folder_version", key: ["folder_id", "version"] },
  { table: "environment", key: ["id"] },
  { table: "environment_version", key: ["environment_id", "version"] },
  { table: "change", key: ["project_id", "revision", "ordinal"] },
  { table: "tag", key: ["id"] },
  { table: "project_role", key: ["id"] },
] as const

type Sliced = (typeof sliced)[number]

/** Removes at most so many rows of a hidden project; false when nothing is left, or an import of its id has begun. */
export async function removeSlice(db: Writer, projectId: string, atMost: number): Promise<boolean> {
  // Locks the row: a new import of this id waits until it is gone.
  const locked = await db
    .updateTable("project")
    .set({ is_hidden: 1 })
    .where("id", "=", projectId)
    .where("is_hidden", "=", 1)
    .where("id", "not in", (eb) => eb.selectFrom("project_import").select("project_id"))
    .executeTakeFirst()
  if (locked.numUpdatedRows === 0n) return false
  let left = atMost
  for (const from of sliced) {
    left -= await removeSome(db, from, projectId, left)
    if (left <= 0) return true
  }
  await db.deleteFrom("project").where("id", "=", projectId).execute()
  return false
}

async function removeSome(
  db: Writer,
  { table, key }: Sliced,
  projectId: string,
  atMost: number,
): Promise<number> {
  const columns = sql.join(key.map((column) => sql.ref(column)))
  const isLeaf = sql`and not exists (select 1 from folder as below where below.parent_id = folder.id)`
  const removed = await sql`
    delete from ${sql.table(table)} where (${columns}) in (
      select ${columns} from ${sql.table(table)}
      where project_id = ${projectId} ${table === "folder" ? isLeaf : sql``} limit ${atMost}
    )`.execute(db)
  return Number(removed.numAffectedRows ?? 0n)
}
