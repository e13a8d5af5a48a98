/** What a stream has not had yet: how much, and since when. */
import { newestHead, nextLogId, oldestEventAt } from "../../audit/index.ts"
import type { Reader } from "../../db/database.ts"
import { findCursors } from "./store.ts"

export type Backlog = {
  /** Events of the whole log that the stream has not gone through. */
  readonly lag: number
  /** When the oldest of them happened; null when there is none. */
  readonly since: number | null
}

export async function findBacklog(reader: Reader, streamId: string): Promise<Backlog> {
  const cursors = await findCursors(reader, streamId)
  let lag = 0
  let since: number | null = null
  for (let logId = await nextLogId(reader, ""); logId !== undefined; logId = await nextLogId(reader, logId)) {
    const head = await newestHead(reader, logId)
    const from = cursors.get(logId) ?? 0
    if (head === undefined || head.size <= from) continue
    lag += head.size - from
    // Without an event all of it was removed, and only the gap is left to be told.
    const oldest = (await oldestEventAt(reader, logId, { from, before: head.size })) ?? head.at
    since = Math.min(since ?? oldest, oldest)
  }
  return { lag, since }
}
