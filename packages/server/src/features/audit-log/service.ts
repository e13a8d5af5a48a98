import type { Session } from "../../actor.ts"
import type { AuditEvent, AuditMetadataValue } from "../../audit/audit-event.ts"
import { AppError } from "../../errors.ts"
import { answerRead, type ReadDeps, type ReadScope } from "../../use-case/index.ts"
import { authorize, authorizeInOrganization } from "../authorization/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { type AuditQuery, listEvents, listProjectNames } from "./store.ts"

export type AuditLogDeps = ReadDeps

export type AuditLogRequest = {
  readonly projectId: string | undefined
  readonly types: readonly string[] | undefined
  readonly actorType: string | undefined
  readonly actorId: string | undefined
  readonly userAgentType: string | undefined
  /** Fields of the event that must have exactly these values. */
  readonly metadata: Readonly<Record<string, string>>
  readonly from: number | undefined
  readonly until: number | undefined
  readonly offset: number
  readonly limit: number
}

const longestSpanMs = 93 * 24 * 60 * 60 * 1_000
const dayMs = 24 * 60 * 60 * 1_000

/** Events newest first: of a project for its members, of the organization for its administrators. */
export async function viewAuditLog(
  deps: AuditLogDeps,
  session: Session,
  request: AuditLogRequest,
): Promise<{ readonly events: readonly AuditEvent[]; readonly projectNames: ReadonlyMap<string, string> }> {
  return await answerRead(deps, session, async (scope) => {
    await requireAuditor(scope, request.projectId)
    const query = queryOf(scope, request)
    const events = await findEvents(scope, query, request)
    const { offset, limit } = request
    scope.audit("view-audit-logs", request.projectId ?? null, {
      projectId: request.projectId ?? null,
      offset,
      limit,
    })
    return { events, projectNames: await namesOf(scope, events) }
  })
}

async function requireAuditor(scope: ReadScope, projectId: string | undefined): Promise<void> {
  const { actor } = scope.session
  if (projectId === undefined) {
    authorizeInOrganization(actor, "read-audit-logs")
    return
  }
  await projectForRead(scope, { kind: "id", id: projectId })
  authorize(actor, "read", "audit-logs", { projectId, now: scope.now })
}

function queryOf(scope: ReadScope, request: AuditLogRequest): AuditQuery {
  const until = request.until ?? scope.now
  const from = request.from ?? Math.min(until, scope.now - (scope.now % dayMs))
  if (until < from) throw wrongSpan("endDate must not be before startDate")
  if (until - from > longestSpanMs)
    throw wrongSpan("startDate and endDate must be at most three months apart")
  const { projectId, types, actorType, actorId } = request
  return { orgId: scope.session.actor.orgId, projectId, types, actorType, actorId, from, until }
}

const chunk = 500
const mostScanned = 20_000

/** Conditions on an event's fields are checked here, over a bounded number of events. */
async function findEvents(
  scope: ReadScope,
  query: AuditQuery,
  request: AuditLogRequest,
): Promise<readonly AuditEvent[]> {
  const conditions = Object.entries(request.metadata)
  if (conditions.length === 0 && request.userAgentType === undefined) {
    return await listEvents(scope.reader, query, request)
  }
  const found: AuditEvent[] = []
  const wanted = request.offset + request.limit
  for (let offset = 0; offset < mostScanned && found.length < wanted; offset += chunk) {
    const events = await listEvents(scope.reader, query, { offset, limit: chunk })
    found.push(...events.filter((event) => matches(event, conditions, request.userAgentType)))
    if (events.length < chunk) break
  }
  return found.slice(request.offset, wanted)
}

function matches(
  event: AuditEvent,
  conditions: readonly (readonly [string, string])[],
  userAgentType: string | undefined,
): boolean {
  if (userAgentType !== undefined && event.source.userAgentType !== userAgentType) return false
  return conditions.every(([name, value]) => asText(event.metadata[name]) === value)
}

function asText(value: AuditMetadataValue | undefined): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined
}

async function namesOf(
  scope: ReadScope,
  events: readonly AuditEvent[],
): Promise<ReadonlyMap<string, string>> {
  const ids = new Set(events.flatMap((event) => event.projectId ?? []))
  return await listProjectNames(scope.reader, [...ids])
}

function wrongSpan(message: string): AppError {
  return new AppError("unprocessable", "ValidationFailure", message)
}
