import { sql } from "kysely"
import type { AuditEvent } from "../../audit/audit-event.ts"
import type { Reader } from "../../db/database.ts"

/** Which events are asked for; all conditions hold together. */
export type AuditQuery = {
  readonly orgId: string
  readonly projectId: string | undefined
  readonly types: readonly string[] | undefined
  /** Times in milliseconds, both included. */
  readonly from: number
  readonly until: number
}

/** Where an event stands in the order that events are shown in. */
export type AuditPosition = { readonly at: number; readonly logId: string; readonly seq: number }

export type StoredEvent = { readonly position: AuditPosition; readonly event: AuditEvent }

/** The types that make up nearly all of a log; the index by type leaves them out. */
const typesOfReads: readonly string[] = ["get-secret", "get-secrets"]

/** Asking for each type apart is dearer than looking at every event when there are many. */
const mostTypesApart = 20

/** Whether the index by type finds exactly these types. */
export function isIndexed(types: readonly string[] | undefined): types is readonly string[] {
  return (
    types !== undefined &&
    types.length <= mostTypesApart &&
    !types.some((type) => typesOfReads.includes(type))
  )
}

export type AuditPage = { readonly after: AuditPosition | undefined; readonly limit: number }

/**
 * Events newest first, from behind a position on; those of one millisecond by log and place. It walks along an index
 * and stops at `limit`, so its cost does not grow with the log; conditions that no index knows are the caller's.
 */
export async function listEvents(db: Reader, query: AuditQuery, page: AuditPage): Promise<StoredEvent[]> {
  const { types } = query
  const queries = isIndexed(types)
    ? [...new Set(types)].map((type) => eventsOfType(db, query, { ...page, type }))
    : [eventsOfAnyType(db, query, page)]
  const rows = (await Promise.all(queries.map((one) => one.execute()))).flat()
  const events = rows.map((row) => ({
    position: { at: row.at, logId: row.log_id, seq: row.seq },
    event: JSON.parse(row.body) as AuditEvent,
  }))
  return queries.length === 1 ? events : events.toSorted(byPosition).slice(0, page.limit)
}

function byPosition({ position: left }: StoredEvent, { position: right }: StoredEvent): number {
  if (left.at !== right.at) return right.at - left.at
  if (left.logId !== right.logId) return left.logId < right.logId ? 1 : -1
  return right.seq - left.seq
}

/** One of the queries of {@link listEvents}. */
export function eventsOfType(db: Reader, query: AuditQuery, page: AuditPage & { readonly type: string }) {
  // Said in the words of the index, or no planner would use it.
  return eventsOfAnyType(db, query, page)
    .where("type", "=", page.type)
    .where(sql<boolean>`type <> 'get-secret' and type <> 'get-secrets'`)
}

/** One of the queries of {@link listEvents}. */
export function eventsOfAnyType(db: Reader, query: AuditQuery, { after, limit }: AuditPage) {
  const until = after === undefined ? query.until : Math.min(query.until, after.at)
  let select = db
    .selectFrom("audit_event")
    .select(["at", "log_id", "seq", "body"])
    .where("org_id", "=", query.orgId)
    .where("at", ">=", query.from)
    .where("at", "<=", until)
  if (query.projectId !== undefined) select = select.where("project_id", "=", query.projectId)
  if (after !== undefined) {
    const { at, logId, seq } = after
    select = select.where((eb) =>
      eb.or([
        eb("at", "<", at),
        eb("log_id", "<", logId),
        eb.and([eb("log_id", "=", logId), eb("seq", "<", seq)]),
      ]),
    )
  }
  return select.orderBy("at", "desc").orderBy("log_id", "desc").orderBy("seq", "desc").limit(limit)
}

export type ProjectFacts = { readonly name: string; readonly retentionDays: number | null }

/** Name and retention of projects by id; those that are gone, or not there yet, are absent. */
export async function listProjectFacts(
  db: Reader,
  ids: readonly string[],
): Promise<Map<string, ProjectFacts>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom("project")
    .select(["id", "name", "audit_retention_days"])
    .where("id", "in", ids)
    .where("is_hidden", "=", 0)
    .execute()
  return new Map(rows.map((row) => [row.id, { name: row.name, retentionDays: row.audit_retention_days }]))
}
