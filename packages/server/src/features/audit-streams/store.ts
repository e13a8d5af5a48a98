/** The only file that names the tables audit_stream, audit_stream_cursor and audit_stream_health. */
import type { Reader, Writer } from "../../db/database.ts"
import type { AuditStreamTable } from "../../db/schema.ts"

/** What is shown of a destination; the rest is sealed. */
export type StreamSettings = { readonly target: string }

export type StreamRecord = {
  readonly id: string
  readonly orgId: string
  readonly name: string
  readonly kind: "http" | "syslog"
  readonly settings: StreamSettings
  readonly destinationSealed: Uint8Array
  readonly isEnabled: boolean
  /** Grows with every change. */
  readonly revision: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** Of one organization, or of all, by name. */
export async function listStreams(db: Reader, orgId?: string): Promise<StreamRecord[]> {
  let query = db.selectFrom("audit_stream").selectAll()
  if (orgId !== undefined) query = query.where("org_id", "=", orgId)
  return (await query.orderBy("name").orderBy("id").execute()).map(streamOf)
}

export async function findStream(db: Reader, orgId: string, id: string): Promise<StreamRecord | undefined> {
  const row = await db
    .selectFrom("audit_stream")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("id", "=", id)
    .executeTakeFirst()
  return row && streamOf(row)
}

function streamOf(row: AuditStreamTable): StreamRecord {
  return {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    kind: row.kind,
    settings: JSON.parse(row.settings) as StreamSettings,
    destinationSealed: row.credential_sealed ?? new Uint8Array(),
    isEnabled: row.enabled === 1,
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export async function insertStream(db: Writer, stream: StreamRecord): Promise<void> {
  await db
    .insertInto("audit_stream")
    .values({
      id: stream.id,
      org_id: stream.orgId,
      ...changeableColumns(stream),
      revision: stream.revision,
      created_at: stream.createdAt,
    })
    .execute()
}

export async function updateStream(db: Writer, stream: StreamRecord): Promise<void> {
  await db
    .updateTable("audit_stream")
    .set((eb) => ({ ...changeableColumns(stream), revision: eb("revision", "+", 1) }))
    .where("org_id", "=", stream.orgId)
    .where("id", "=", stream.id)
    .execute()
}

function changeableColumns(stream: StreamRecord) {
  return {
    name: stream.name,
    kind: stream.kind,
    settings: JSON.stringify(stream.settings),
    credential_sealed: stream.destinationSealed,
    enabled: stream.isEnabled ? 1 : 0,
    updated_at: stream.updatedAt,
  } as const
}

/** Removes it with its places in the logs. */
export async function removeStream(db: Writer, { orgId, id }: StreamRecord): Promise<void> {
  await db.deleteFrom("audit_stream").where("org_id", "=", orgId).where("id", "=", id).execute()
  await db.deleteFrom("audit_stream_cursor").where("stream_id", "=", id).execute()
  await db.deleteFrom("audit_stream_health").where("stream_id", "=", id).execute()
}

/** Whether a stream is still what it was when its delivery began. */
export async function isUnchanged(
  db: Reader,
  { id, revision }: { id: string; revision: number },
): Promise<boolean> {
  const row = await db.selectFrom("audit_stream").select("revision").where("id", "=", id).executeTakeFirst()
  return row?.revision === revision
}

/** Where a stream goes on in each log that it knows. */
export async function findCursors(db: Reader, streamId: string): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom("audit_stream_cursor")
    .select(["log_id", "next_seq"])
    .where("stream_id", "=", streamId)
    .execute()
  return new Map(rows.map((row) => [row.log_id, row.next_seq]))
}

export type Cursor = { readonly streamId: string; readonly logId: string; readonly next: number }

/** Moves a stream on in one log; never back. */
export async function saveCursor(db: Writer, { streamId, logId, next }: Cursor, now: number): Promise<void> {
  await db
    .insertInto("audit_stream_cursor")
    .values({ stream_id: streamId, log_id: logId, next_seq: next, delivered_at: now })
    .onConflict((conflict) =>
      conflict
        .columns(["stream_id", "log_id"])
        .doUpdateSet({ next_seq: next, delivered_at: now })
        .where("audit_stream_cursor.next_seq", "<", next),
    )
    .execute()
}

export type Health = {
  readonly problem: string | null
  readonly problemAt: number | null
  readonly deliveredAt: number | null
}

const neverTried: Health = { problem: null, problemAt: null, deliveredAt: null }

export async function findHealth(db: Reader, streamId: string): Promise<Health> {
  const row = await db
    .selectFrom("audit_stream_health")
    .selectAll()
    .where("stream_id", "=", streamId)
    .executeTakeFirst()
  if (row === undefined) return neverTried
  return { problem: row.problem, problemAt: row.problem_at, deliveredAt: row.delivered_at }
}

/** Writes down how a delivery went: a problem, or that there was none. */
export async function saveHealth(
  db: Writer,
  streamId: string,
  outcome: { readonly problem: string | null; readonly at: number },
): Promise<void> {
  const { problem, at } = outcome
  const changed = problem === null ? { problem, delivered_at: at } : { problem, problem_at: at }
  await db
    .insertInto("audit_stream_health")
    .values({ stream_id: streamId, problem_at: null, delivered_at: null, ...changed })
    .onConflict((conflict) => conflict.column("stream_id").doUpdateSet(changed))
    .execute()
}
