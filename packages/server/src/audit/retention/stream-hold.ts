/**
 * What a stream has not had yet is kept for it a while longer than its time, and not for ever: a receiver that is gone
 * must not fill the disk, nor keep what was promised to be removed.
 */
import type { Reader } from "../../db/database.ts"

/** How much longer. */
export const streamGraceMs = 7 * 24 * 60 * 60 * 1_000

/** The first sequence number of a log that some stream has not had; infinite when all have everything. */
export async function findHold(db: Reader, logId: string): Promise<number> {
  const row = await db
    .selectFrom("audit_stream_cursor")
    .select((eb) => eb.fn.min("next_seq").as("next"))
    .where("log_id", "=", logId)
    .executeTakeFirst()
  return row?.next ?? Number.POSITIVE_INFINITY
}
