import type { AuditEvent } from "../../audit/audit-event.ts"
import type { Reader } from "../../db/database.ts"

/** Which events are asked for; all conditions hold together. */
export type AuditQuery = {
  readonly orgId: string
  readonly projectId: string | undefined
  readonly types: readonly string[] | undefined
  readonly actorType: string | undefined
  readonly actorId: string | undefined
  readonly from: number
  readonly until: number
}

/** Events newest first; events of the same millisecond in the order they were written, newest first. */
export async function listEvents(
  db: Reader,
  query: AuditQuery,
  page: { readonly offset: number; readonly limit: number },
): Promise<AuditEvent[]> {
  let select = db
    .selectFrom("audit_event")
    .select("body")
    .where("org_id", "=", query.orgId)
    .where("at", ">=", query.from)
    .where("at", "<=", query.until)
  if (query.projectId !== undefined) select = select.where("project_id", "=", query.projectId)
  if (query.types !== undefined) select = select.where("type", "in", query.types)
  if (query.actorType !== undefined) select = select.where("actor_type", "=", query.actorType)
  if (query.actorId !== undefined) select = select.where("actor_id", "=", query.actorId)
  const rows = await select
    .orderBy("at", "desc")
    .orderBy("log_id")
    .orderBy("seq", "desc")
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  return rows.map((row) => JSON.parse(row.body) as AuditEvent)
}

/** Names of projects by id; those that are gone are absent. */
export async function listProjectNames(db: Reader, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom("project").select(["id", "name"]).where("id", "in", ids).execute()
  return new Map(rows.map((row) => [row.id, row.name]))
}
