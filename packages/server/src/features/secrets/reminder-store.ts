/** The only file that writes the table secret_reminder: from when the reminder of a secret counts. */

import { chunksOf } from "../../db/chunks.ts"
import type { Reader, Writer } from "../../db/database.ts"
import type { SecretTable } from "../../db/schema.ts"

type Reminded = Pick<SecretTable, "id" | "project_id" | "reminder_repeat_days">

/** Lets the reminders of these secrets count from `now`; secrets without one lose theirs. */
export async function restartReminders(db: Writer, secrets: readonly Reminded[], now: number): Promise<void> {
  const reminded = secrets.filter((secret) => secret.reminder_repeat_days !== null)
  const others = secrets.filter((secret) => secret.reminder_repeat_days === null)
  for (const chunk of chunksOf(others)) {
    const ids = chunk.map((secret) => secret.id)
    await db.deleteFrom("secret_reminder").where("secret_id", "in", ids).execute()
  }
  for (const chunk of chunksOf(reminded)) {
    const rows = chunk.map(({ id, project_id }) => ({ secret_id: id, project_id, counts_from: now }))
    await db
      .insertInto("secret_reminder")
      .values(rows)
      .onConflict((conflict) => conflict.column("secret_id").doUpdateSet({ counts_from: now }))
      .execute()
  }
}

export type ReminderEntry = {
  readonly secretId: string
  readonly folderId: string
  readonly key: string
  readonly countsFrom: number
}

/** The shared secrets of a project that have a reminder; those without a start count from their creation. */
export async function listReminders(db: Reader, projectId: string): Promise<readonly ReminderEntry[]> {
  const rows = await db
    .selectFrom("secret as s")
    .leftJoin("secret_reminder as r", "r.secret_id", "s.id")
    .select(["s.id", "s.folder_id", "s.key", "s.created_at", "r.counts_from"])
    .where("s.project_id", "=", projectId)
    .where("s.type", "=", "shared")
    .where("s.reminder_repeat_days", "is not", null)
    .execute()
  return rows.map((row) => ({
    secretId: row.id,
    folderId: row.folder_id,
    key: row.key,
    countsFrom: row.counts_from ?? row.created_at,
  }))
}
