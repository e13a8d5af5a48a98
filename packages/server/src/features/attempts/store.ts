/** The only file that names the table login_attempt. */
import type { Writer } from "../../db/database.ts"
import type { AttemptCount } from "./domain.ts"

export type AttemptKey = { readonly subject: string; readonly source: string }

/** The count of a key, locked until the write ends; a key that is new has none of its attempts counted. */
export async function lockCount(db: Writer, key: AttemptKey, now: number): Promise<AttemptCount> {
  const row = await db
    .insertInto("login_attempt")
    .values({ ...key, attempts: 0, window_started_at: now, locked_until: null })
    .onConflict((conflict) =>
      conflict
        .columns(["subject", "source"])
        .doUpdateSet((eb) => ({ attempts: eb.ref("login_attempt.attempts") })),
    )
    .returning(["attempts", "window_started_at", "locked_until"])
    .executeTakeFirstOrThrow()
  return { attempts: row.attempts, windowStartedAt: row.window_started_at, lockedUntil: row.locked_until }
}

export async function saveCount(db: Writer, key: AttemptKey, count: AttemptCount): Promise<void> {
  await db
    .updateTable("login_attempt")
    .set({
      attempts: count.attempts,
      window_started_at: count.windowStartedAt,
      locked_until: count.lockedUntil,
    })
    .where("subject", "=", key.subject)
    .where("source", "=", key.source)
    .execute()
}

export async function removeCount(db: Writer, key: AttemptKey): Promise<void> {
  await db
    .deleteFrom("login_attempt")
    .where("subject", "=", key.subject)
    .where("source", "=", key.source)
    .execute()
}

/** Takes one attempt back, and the lock that it may have set. */
export async function uncount(db: Writer, key: AttemptKey): Promise<void> {
  await db
    .updateTable("login_attempt")
    .set((eb) => ({ attempts: eb("attempts", "-", 1), locked_until: null }))
    .where("subject", "=", key.subject)
    .where("source", "=", key.source)
    .where("attempts", ">", 0)
    .execute()
}

export async function removeCounts(db: Writer, subject: string): Promise<void> {
  await db.deleteFrom("login_attempt").where("subject", "=", subject).execute()
}

/** Removes counts whose window began before `before`; none of them locks anybody any more. */
export async function removeOldCounts(db: Writer, before: number): Promise<number> {
  const result = await db
    .deleteFrom("login_attempt")
    .where("window_started_at", "<", before)
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
