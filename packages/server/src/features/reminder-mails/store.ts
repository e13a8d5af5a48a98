/** Which reminders are due and unmailed; the only file that names the table mailed_reminder. */
import { sql } from "kysely"
import type { Reader, Writer } from "../../db/database.ts"

export type DueReminder = {
  readonly secretId: string
  readonly projectId: string
  readonly folderId: string
  readonly key: string
  readonly dueAt: number
}

const dayMs = 24 * 60 * 60 * 1_000

/** Reminders of shared secrets, in projects that are there, that are due and were not mailed yet, the oldest first. */
export async function listUnmailed(db: Reader, now: number, limit: number): Promise<readonly DueReminder[]> {
  const dueAt = sql<number>`coalesce(r.counts_from, s.created_at) + s.reminder_repeat_days * ${sql.lit(dayMs)}`
  const rows = await db
    .selectFrom("secret as s")
    .innerJoin("project as p", "p.id", "s.project_id")
    .leftJoin("secret_reminder as r", "r.secret_id", "s.id")
    .leftJoin("mailed_reminder as m", (join) =>
      join.onRef("m.secret_id", "=", "s.id").on("m.due_at", "=", dueAt),
    )
    .select(["s.id", "s.project_id", "s.folder_id", "s.key", dueAt.as("due_at")])
    .where("p.is_hidden", "=", 0)
    .where("s.type", "=", "shared")
    .where("s.reminder_repeat_days", "is not", null)
    .where("m.secret_id", "is", null)
    .where(dueAt, "<=", now)
    .orderBy("due_at")
    .orderBy("s.id")
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    secretId: row.id,
    projectId: row.project_id,
    folderId: row.folder_id,
    key: row.key,
    dueAt: Number(row.due_at),
  }))
}

/** Writes down that a reminder is mailed; false when another process was faster, or the secret is gone. */
export async function takeReminder(
  db: Writer,
  of: Pick<DueReminder, "secretId" | "dueAt">,
): Promise<boolean> {
  const secret = await db
    .updateTable("secret")
    .set((eb) => ({ key: eb.ref("key") }))
    .where("id", "=", of.secretId)
    .executeTakeFirst()
  if (secret.numUpdatedRows === 0n) return false
  const result = await db
    .insertInto("mailed_reminder")
    .values({ secret_id: of.secretId, due_at: of.dueAt })
    .onConflict((conflict) => conflict.columns(["secret_id", "due_at"]).doNothing())
    .executeTakeFirst()
  if ((result.numInsertedOrUpdatedRows ?? 0n) === 0n) return false
  await db
    .deleteFrom("mailed_reminder")
    .where("secret_id", "=", of.secretId)
    .where("due_at", "<", of.dueAt)
    .execute()
  return true
}
