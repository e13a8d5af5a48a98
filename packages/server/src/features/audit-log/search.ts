/**
 * Goes through the log newest first and keeps what matches. Conditions that no index knows are judged here, in windows
 * of bounded size with a turn of the event loop between them: a search over a large log holds nobody up.
 */
import { setImmediate } from "node:timers/promises"
import type { AuditEvent, AuditMetadataValue } from "../../audit/audit-event.ts"
import type { Reader } from "../../db/database.ts"
import { type AuditPosition, type AuditQuery, isIndexed, listEvents, type StoredEvent } from "./store.ts"

export type AuditFilter = {
  readonly actorType: string | undefined
  readonly actorId: string | undefined
  readonly userAgentType: string | undefined
  /** Fields of the event that must have exactly these values. */
  readonly metadata: Readonly<Record<string, string>>
}

export type AuditSearch = AuditQuery & AuditFilter

export type SearchBounds = {
  readonly after: AuditPosition | undefined
  /** How many matches to pass over first. */
  readonly offset: number
  readonly limit: number
  /** How many events may be looked at. */
  readonly mostScanned: number
}

export type SearchResult = {
  readonly found: readonly StoredEvent[]
  /** Where a further search goes on; `undefined` when there is nothing older. */
  readonly next: AuditPosition | undefined
  /** False when `mostScanned` events were looked at before `limit` were found. */
  readonly isComplete: boolean
}

/** Of events, 64 MiB at most. */
const window = 250

/** Finds events newest first. */
export async function searchEvents(
  db: Reader,
  search: AuditSearch,
  bounds: SearchBounds,
): Promise<SearchResult> {
  const found: StoredEvent[] = []
  const wanted = bounds.offset + bounds.limit
  let { after } = bounds
  let matched = 0
  for (let scanned = 0; scanned < bounds.mostScanned; ) {
    if (scanned > 0) await setImmediate()
    // One more than is wanted, so that the last page knows that it is the last.
    const limit = isNarrow(search) ? Math.min(window, wanted - matched + 1) : window
    const events = await listEvents(db, search, { after, limit })
    for (const stored of events) {
      if (matched === wanted) return { found, next: after, isComplete: true }
      after = stored.position
      if (!matches(stored.event, search)) continue
      matched += 1
      if (matched > bounds.offset) found.push(stored)
    }
    scanned += events.length
    if (events.length < limit) return { found, next: undefined, isComplete: true }
  }
  return { found, next: after, isComplete: matched >= wanted }
}

/** Whether the database alone judges every condition. */
function isNarrow(search: AuditSearch): boolean {
  const { actorType, actorId, userAgentType, metadata, types } = search
  return (
    [actorType, actorId, userAgentType].every((condition) => condition === undefined) &&
    Object.keys(metadata).length === 0 &&
    (types === undefined || isIndexed(types))
  )
}

function matches(event: AuditEvent, search: AuditSearch): boolean {
  const { actor, source } = event
  if (search.types !== undefined && !search.types.includes(event.type)) return false
  if (search.actorType !== undefined && actor.type !== search.actorType) return false
  if (search.actorId !== undefined && (!("id" in actor) || actor.id !== search.actorId)) return false
  if (search.userAgentType !== undefined && source.userAgentType !== search.userAgentType) return false
  return Object.entries(search.metadata).every(([name, value]) => asText(event.metadata[name]) === value)
}

function asText(value: AuditMetadataValue | undefined): string | undefined {
  if (value === null) return "null"
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined
}
