/** Reads the logs in pages, for whoever checks or publishes them. */
import type { Reader } from "../db/database.ts"
import type { AuditEventTable, AuditLogTable, AuditPruneTable, AuditRedactionTable } from "../db/schema.ts"
import { type AuditHead, headOfRow } from "./audit-head.ts"

/** Of events, 128 MiB at most; of heads and records. */
const PAGE = 500

/** The smallest log id after the given one, in any of the tables: a log whose own row is gone is still found. */
export async function nextLogId(reader: Reader, after: string): Promise<string | undefined> {
  const candidates = await Promise.all([
    reader
      .selectFrom("audit_log")
      .select("id")
      .where("id", ">", after)
      .orderBy("id")
      .limit(1)
      .executeTakeFirst(),
    smallestAfter(reader, "audit_event", after),
    smallestAfter(reader, "audit_head", after),
  ])
  return candidates
    .flatMap((row) => (row === undefined ? [] : [row.id]))
    .toSorted()
    .at(0)
}

function smallestAfter(reader: Reader, table: "audit_event" | "audit_head", after: string) {
  return reader
    .selectFrom(table)
    .select("log_id as id")
    .where("log_id", ">", after)
    .orderBy("log_id")
    .limit(1)
    .executeTakeFirst()
}

export function findLog(reader: Reader, logId: string): Promise<AuditLogTable | undefined> {
  return reader.selectFrom("audit_log").selectAll().where("id", "=", logId).executeTakeFirst()
}

export async function newestHead(reader: Reader, logId: string): Promise<AuditHead | undefined> {
  const [head] = await listHeads(reader, logId, { order: "desc", limit: 1 })
  return head
}

/** The newest head over no more than `size` events. */
export async function newestHeadUpTo(
  reader: Reader,
  logId: string,
  size: number,
): Promise<AuditHead | undefined> {
  const [head] = await listHeads(reader, logId, { order: "desc", limit: 1, upTo: size })
  return head
}

export function newestPrune(reader: Reader, logId: string): Promise<AuditPruneTable | undefined> {
  return reader
    .selectFrom("audit_prune")
    .selectAll()
    .where("log_id", "=", logId)
    .orderBy("size", "desc")
    .limit(1)
    .executeTakeFirst()
}

/** What was ever recorded as removed from the beginning of a log, the newest first; more than one is rare. */
export function listPrunes(reader: Reader, logId: string): Promise<AuditPruneTable[]> {
  return reader
    .selectFrom("audit_prune")
    .selectAll()
    .where("log_id", "=", logId)
    .orderBy("size", "desc")
    .limit(PAGE)
    .execute()
}

/** Grows whenever retention removes or empties events of a log. */
export async function retentionMark(reader: Reader, logId: string): Promise<string> {
  const prune = await newestPrune(reader, logId)
  const redactions = await reader
    .selectFrom("audit_redaction")
    .select((eb) => [eb.fn.countAll<number>().as("count"), eb.fn.max("at").as("at")])
    .where("log_id", "=", logId)
    .executeTakeFirst()
  return JSON.stringify([prune?.size, redactions?.count, redactions?.at])
}

/** The records of what retention took out of the middle of a log, in order. */
export async function* redactionsOf(reader: Reader, logId: string) {
  let after = -1
  for (;;) {
    const page: AuditRedactionTable[] = await reader
      .selectFrom("audit_redaction")
      .selectAll()
      .where("log_id", "=", logId)
      .where("from_seq", ">", after)
      .orderBy("from_seq")
      .limit(PAGE)
      .execute()
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = last.from_seq
  }
}

/** The sequence number of the newest event; -1 for an empty log. */
export async function newestSeq(reader: Reader, logId: string): Promise<number> {
  const row = await reader
    .selectFrom("audit_event")
    .select("seq")
    .where("log_id", "=", logId)
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst()
  return row?.seq ?? -1
}

/** What lies before the first event that a log still has: nothing, unless somebody put it there. */
export async function findBefore(reader: Reader, logId: string, start: number) {
  const event = await reader
    .selectFrom("audit_event")
    .select("seq")
    .where("log_id", "=", logId)
    .where("seq", "<", start)
    .orderBy("seq")
    .limit(1)
    .executeTakeFirst()
  const head = await reader
    .selectFrom("audit_head")
    .select("size")
    .where("log_id", "=", logId)
    .where("size", "<", start)
    .orderBy("size")
    .limit(1)
    .executeTakeFirst()
  return { event: event?.seq, head: head?.size }
}

type PageBounds = { readonly from: number; readonly before: number; readonly limit?: number }

/** Some events of a log from one sequence number on, before another, in order. */
export function eventsPage(
  reader: Reader,
  logId: string,
  { from, before, limit = PAGE }: PageBounds,
): Promise<AuditEventTable[]> {
  return reader
    .selectFrom("audit_event")
    .selectAll()
    .where("log_id", "=", logId)
    .where("seq", ">=", from)
    .where("seq", "<", before)
    .orderBy("seq")
    .limit(limit)
    .execute()
}

/** When the first event in a part of a log happened; `undefined` when that holds none. */
export async function oldestEventAt(
  reader: Reader,
  logId: string,
  { from, before }: { readonly from: number; readonly before: number },
): Promise<number | undefined> {
  const row = await reader
    .selectFrom("audit_event")
    .select("at")
    .where("log_id", "=", logId)
    .where("seq", ">=", from)
    .where("seq", "<", before)
    .orderBy("seq")
    .limit(1)
    .executeTakeFirst()
  return row?.at
}

/** All of them, page by page. */
export async function* eventsOf(reader: Reader, logId: string, bounds: { from: number; before: number }) {
  let from = bounds.from
  for (;;) {
    const page = await eventsPage(reader, logId, { from, before: bounds.before })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    from = last.seq + 1
  }
}

/** The heads of a log over more than one number of events, up to another, in order. */
export async function* headsOf(reader: Reader, logId: string, bounds: { after: number; upTo: number }) {
  let after = bounds.after
  for (;;) {
    const page = await listHeads(reader, logId, { order: "asc", limit: PAGE, after, upTo: bounds.upTo })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = last.size
  }
}

type HeadQuery = { order: "asc" | "desc"; limit: number; after?: number; upTo?: number }

async function listHeads(reader: Reader, logId: string, { order, limit, after, upTo }: HeadQuery) {
  let query = reader
    .selectFrom("audit_head")
    .select(["size", "previous_size", "root_hash", "at", "signature"])
    .where("log_id", "=", logId)
  if (after !== undefined) query = query.where("size", ">", after)
  if (upTo !== undefined) query = query.where("size", "<=", upTo)
  const rows = await query.orderBy("size", order).limit(limit).execute()
  return rows.map(headOfRow)
}
