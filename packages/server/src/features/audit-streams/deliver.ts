import { newestHead, nextLogId, type Publication, readPublication } from "../../audit/index.ts"
import type { Database, Reader } from "../../db/database.ts"
import type { TaskLease } from "../../task-lease.ts"
import type { Sink } from "./sinks.ts"
import { findCursors, isUnchanged, saveCursor, saveHealth } from "./store.ts"

/** A stream that something can be delivered to. */
export type ActiveStream = {
  readonly id: string
  /** Whose events; of all organizations when absent. */
  readonly orgId: string | undefined
  /** Absent for a stream of the server's configuration, which does not change while it runs. */
  readonly revision: number | undefined
  readonly sink: Sink
}

export type DeliveryDeps = {
  readonly database: Database
  readonly clock: { now(): number }
  readonly lease: TaskLease
  readonly signal: AbortSignal
}

/** What one delivery holds in memory, at most, but for the last page and for events that are larger alone. */
const mostEvents = 500
const mostBytes = 256 * 1024

/**
 * Delivers everything that a stream has not had, log by log and in order. The place in a log is saved only when the
 * sink has everything before it, so that a crash repeats at most one batch and leaves nothing out.
 *
 * @returns false when another process does it
 * @throws whatever the sink reports
 */
export async function deliverAll(deps: DeliveryDeps, stream: ActiveStream): Promise<boolean> {
  const { reader } = deps.database
  for (let logId = await nextLogId(reader, ""); logId !== undefined; logId = await nextLogId(reader, logId)) {
    for (;;) {
      const outcome = await deliverNext(deps, stream, logId)
      if (outcome === "not-mine") return false
      if (outcome === "done" || deps.signal.aborted) break
    }
  }
  return true
}

type Outcome = "delivered" | "done" | "not-mine"

async function deliverNext(deps: DeliveryDeps, stream: ActiveStream, logId: string): Promise<Outcome> {
  const { reader } = deps.database
  const known = await nextOf(reader, stream, logId)
  if (!(await isBehind(reader, logId, known))) return "done"
  if (!(await deps.lease.take())) return "not-mine"
  // Read again: who had the lease before may have moved on.
  const from = await nextOf(reader, stream, logId)
  const publication = await readPublication(reader, {
    logId,
    from,
    orgId: stream.orgId,
    mostEvents,
    mostBytes,
  })
  if (publication === undefined) return "done"
  if (publication.records.length > 0) {
    const id = `${stream.id}/${logId}/${from}-${publication.next - 1}`
    await stream.sink.send({ id, records: publication.records }, deps.signal)
  }
  return (await saveProgress(deps, stream, publication)) ? "delivered" : "not-mine"
}

async function nextOf(reader: Reader, { id }: ActiveStream, logId: string): Promise<number> {
  return (await findCursors(reader, id)).get(logId) ?? 0
}

async function isBehind(reader: Reader, logId: string, from: number): Promise<boolean> {
  const head = await newestHead(reader, logId)
  return head !== undefined && head.size > from
}

/** @returns false when the lease was lost, or the stream was changed meanwhile: others decide then */
async function saveProgress(deps: DeliveryDeps, stream: ActiveStream, { logId, next }: Publication) {
  const { id, revision } = stream
  return await deps.database.write(async ({ db }) => {
    if (!(await deps.lease.isHeld(db))) return false
    if (revision !== undefined && !(await isUnchanged(db, { id, revision }))) return false
    const now = deps.clock.now()
    await saveCursor(db, { streamId: id, logId, next }, now)
    await saveHealth(db, id, { problem: null, at: now })
    return true
  })
}
