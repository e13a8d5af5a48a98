/**
 * The audit log as it is published: lines of JSON. Streams and exports carry the same ones:
 *
 * ```
 * {"kind":"event","logId":..,"seq":..,"leafHash":..,"event":{..}}          an event: the exact body that was hashed
 * {"kind":"leaf","logId":..,"seq":..,"leafHash":..}                        one whose content is not shown here (exports)
 * {"kind":"start","logId":..,"size":..,"range":..,"at":..,"signature":..}  where retention cut the log (exports)
 * {"kind":"gap","logId":..,"from":..,"to":..}                              removed before it was delivered (streams)
 * {"kind":"head","logId":..,"size":..,"previousSize":..,"rootHash":..,"at":..,"signature":..}
 * ```
 *
 * `previousSize` is absent in heads that were signed before there was one (`audit-head.ts`). Hashes, ranges and signatures are base64. A head signs everything of its log before it, so whoever keeps the newest
 * one can find out later that the log was cut.
 */
import type { Reader } from "../db/database.ts"
import type { AuditEventTable, AuditPruneTable } from "../db/schema.ts"
import type { AuditHead } from "./audit-head.ts"
import { eventsPage, newestHead, newestHeadUpTo } from "./audit-reader.ts"
import { isRedacted } from "./audit-redaction.ts"

export type PublishedRecord = {
  readonly kind: "event" | "gap" | "head" | "test"
  /** Of the event; `audit-head`, `audit-gap` or `audit-test` otherwise. */
  readonly type: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** One line of JSON, without its end. */
  readonly line: string
}

/** Some consecutive events of one log, and the newest head that they reach. */
export type Publication = {
  readonly logId: string
  readonly from: number
  /** Where the next one begins. */
  readonly next: number
  readonly records: readonly PublishedRecord[]
}

export type PublicationQuery = {
  readonly logId: string
  readonly from: number
  /** Whose events; of all organizations when absent. */
  readonly orgId: string | undefined
  readonly mostEvents: number
  readonly mostBytes: number
}

const pageSize = 50

/** Reads what comes next in a log; `undefined` when there is nothing. At most one page more than `mostBytes`. */
export async function readPublication(
  reader: Reader,
  query: PublicationQuery,
): Promise<Publication | undefined> {
  const { logId, from, orgId } = query
  const newest = await newestHead(reader, logId)
  if (newest === undefined || newest.size <= from) return undefined
  const records: PublishedRecord[] = []
  let next = from
  let bytes = 0
  while (next < newest.size && next - from < query.mostEvents && bytes < query.mostBytes) {
    const limit = Math.min(pageSize, query.mostEvents)
    const page = await eventsPage(reader, logId, { from: next, before: newest.size, limit })
    for (const row of page) {
      if (row.seq > next) records.push(gapRecord(logId, { from: next, to: row.seq - 1 }, row.at))
      next = row.seq + 1
      if (isRedacted(row) || (orgId !== undefined && row.org_id !== orgId)) continue
      bytes += row.body.length
      records.push({ kind: "event", type: row.type, at: row.at, line: eventLine(row) })
    }
    if (page.length > 0) continue
    // Retention removed the rest while this was read.
    records.push(gapRecord(logId, { from: next, to: newest.size - 1 }, newest.at))
    next = newest.size
  }
  const head = next === newest.size ? newest : await newestHeadUpTo(reader, logId, next)
  if (head !== undefined && head.size > from) records.push(headRecord(logId, head))
  return { logId, from, next, records }
}

/** The body stands in the line as it was hashed: `JSON.stringify` of what a parser makes of it is the same text. */
export function eventLine(row: Pick<AuditEventTable, "log_id" | "seq" | "leaf_hash" | "body">): string {
  return `${placeOf("event", row)},"event":${row.body}}`
}

/** An event that holds its place only. */
export function leafLine(row: Pick<AuditEventTable, "log_id" | "seq" | "leaf_hash">): string {
  return `${placeOf("leaf", row)}}`
}

export function startLine(row: AuditPruneTable): string {
  const range: unknown = JSON.parse(row.compact_range)
  const { log_id: logId, size, at } = row
  return JSON.stringify({ kind: "start", logId, size, range, at, signature: base64(row.signature) })
}

export function headLine(logId: string, head: AuditHead): string {
  const { size, previousSize, rootHash, at, signature } = head
  const hashes = { rootHash: base64(rootHash), at, signature: base64(signature) }
  return JSON.stringify({ kind: "head", logId, size, previousSize, ...hashes })
}

function headRecord(logId: string, head: AuditHead): PublishedRecord {
  return { kind: "head", type: "audit-head", at: head.at, line: headLine(logId, head) }
}

function gapRecord(
  logId: string,
  gap: { readonly from: number; readonly to: number },
  at: number,
): PublishedRecord {
  return { kind: "gap", type: "audit-gap", at, line: JSON.stringify({ kind: "gap", logId, ...gap }) }
}

function placeOf(kind: string, row: Pick<AuditEventTable, "log_id" | "seq" | "leaf_hash">): string {
  return `{"kind":"${kind}","logId":"${row.log_id}","seq":${row.seq},"leafHash":"${base64(row.leaf_hash)}"`
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64")
}
