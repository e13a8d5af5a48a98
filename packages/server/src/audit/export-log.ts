/**
 * Exports events with what proves them (`publication.ts`): of each log where it begins, every leaf, and the newest signed
 * head. Events that are not asked for, or that retention emptied, stand as the hash of their leaf alone, so a filtered
 * export proves as much as a whole one. The last line says how many events there are: a file that was cut lacks it.
 */
import type { Reader } from "../db/database.ts"
import type { AuditEventTable } from "../db/schema.ts"
import { AppError } from "../errors.ts"
import { eventsOf, newestHead, newestPrune, nextLogId } from "./audit-reader.ts"
import { isRedacted } from "./audit-redaction.ts"
import { eventLine, headLine, leafLine, startLine } from "./publication.ts"

export type ExportFilter = {
  /** Times in milliseconds: at this one or later, and before that one. */
  readonly from?: number | undefined
  readonly before?: number | undefined
  readonly projectId?: string | undefined
  readonly types?: readonly string[] | undefined
  readonly actorId?: string | undefined
}

export type ExportedLine =
  /** `body` is the event as it stands in the log: JSON. */
  | { readonly kind: "event"; readonly line: string; readonly body: string }
  | { readonly kind: "proof"; readonly line: string }

/**
 * The lines of an export, log by log, in order and in bounded memory. The logs may grow meanwhile: each ends with the head
 * that it had when its turn came.
 *
 * @throws AppError "unavailable" when retention removed events under way, or the log has a gap that verification would name
 */
export async function* exportAuditLogs(
  reader: Reader,
  filter: ExportFilter = {},
): AsyncGenerator<ExportedLine> {
  let events = 0
  for (let id = await nextLogId(reader, ""); id !== undefined; id = await nextLogId(reader, id)) {
    for await (const exported of exportLog(reader, id, filter)) {
      if (exported.kind === "event") events += 1
      yield exported
    }
  }
  yield { kind: "proof", line: JSON.stringify({ kind: "end", events }) }
}

async function* exportLog(reader: Reader, logId: string, filter: ExportFilter): AsyncGenerator<ExportedLine> {
  const head = await newestHead(reader, logId)
  if (head === undefined) return
  const prune = await newestPrune(reader, logId)
  if (prune !== undefined) yield { kind: "proof", line: startLine(prune) }
  let next = prune?.size ?? 0
  for await (const row of eventsOf(reader, logId, { from: next, before: head.size })) {
    if (row.seq !== next) throw hasGap(logId)
    next += 1
    yield isWanted(row, filter)
      ? { kind: "event", line: eventLine(row), body: row.body }
      : { kind: "proof", line: leafLine(row) }
  }
  if (next !== head.size) throw hasGap(logId)
  yield { kind: "proof", line: headLine(logId, head) }
}

function isWanted(row: AuditEventTable, filter: ExportFilter): boolean {
  if (isRedacted(row)) return false
  if (filter.from !== undefined && row.at < filter.from) return false
  if (filter.before !== undefined && row.at >= filter.before) return false
  if (filter.projectId !== undefined && row.project_id !== filter.projectId) return false
  if (filter.actorId !== undefined && row.actor_id !== filter.actorId) return false
  return filter.types === undefined || filter.types.includes(row.type)
}

function hasGap(logId: string): AppError {
  const message = `Events of log ${logId} went away while it was exported: try again, and if that does not help, verify it`
  return new AppError("unavailable", "ServiceUnavailable", message)
}
