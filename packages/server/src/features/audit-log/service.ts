import type { Session } from "../../actor.ts"
import { shorterRetention } from "../../audit/index.ts"
import { AppError } from "../../errors.ts"
import { answerRead, type ReadDeps, type ReadScope } from "../../use-case/index.ts"
import { authorize, authorizeInOrganization } from "../authorization/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { findOrganizationRetention } from "./retention-store.ts"
import { type AuditFilter, type AuditSearch, searchEvents } from "./search.ts"
import { type AuditPosition, listProjectFacts, type ProjectFacts, type StoredEvent } from "./store.ts"

export type AuditLogDeps = ReadDeps

export type AuditLogRequest = AuditFilter & {
  readonly projectId: string | undefined
  readonly types: readonly string[] | undefined
  readonly from: number | undefined
  readonly until: number | undefined
  readonly limit: number
}

/** Events with what is known of their projects now. */
export type AuditLogView = {
  readonly events: readonly StoredEvent[]
  readonly projects: ReadonlyMap<string, ProjectFacts>
  /** Days after which an event expires; null for never. */
  retentionDaysOf(event: StoredEvent): number | null
}

const mostScannedByOffset = 500_000
const mostScannedByCursor = 20_000

/**
 * Events newest first: of a project for its members, of the organization for its administrators.
 *
 * @throws AppError "unprocessable" for a wrong span, or when the filters match so little that the search would go
 * through more than half a million events
 */
export async function viewAuditLog(
  deps: AuditLogDeps,
  session: Session,
  request: AuditLogRequest & { readonly offset: number },
): Promise<AuditLogView> {
  return await answerRead(deps, session, async (scope) => {
    const search = await requireSearch(scope, request)
    const { offset, limit } = request
    const bounds = { after: undefined, offset, limit, mostScanned: mostScannedByOffset }
    const { found, isComplete } = await searchEvents(scope.reader, search, bounds)
    if (!isComplete) throw tooMuchToSearch()
    if (offset === 0) auditView(scope, request, { offset })
    return await viewOf(scope, found)
  })
}

/** The same in pages: each goes on behind the last event of the one before, however much was added meanwhile. */
export async function viewAuditLogPage(
  deps: AuditLogDeps,
  session: Session,
  request: AuditLogRequest & { readonly cursor: AuditPosition | undefined },
): Promise<AuditLogView & { readonly next: AuditPosition | undefined }> {
  return await answerRead(deps, session, async (scope) => {
    const search = await requireSearch(scope, request)
    const { cursor: after, limit } = request
    const bounds = { after, offset: 0, limit, mostScanned: mostScannedByCursor }
    const { found, next } = await searchEvents(scope.reader, search, bounds)
    if (after === undefined) auditView(scope, request, {})
    return { ...(await viewOf(scope, found)), next }
  })
}

/** A later page belongs to a look that is in the log already. */
function auditView(
  scope: ReadScope,
  { projectId = null, limit }: { readonly projectId?: string | null | undefined; readonly limit: number },
  place: { readonly offset?: number },
): void {
  scope.audit("view-audit-logs", projectId, { projectId, ...place, limit })
}

async function requireSearch(scope: ReadScope, request: AuditLogRequest): Promise<AuditSearch> {
  const { actor } = scope.session
  const { projectId } = request
  if (projectId === undefined) {
    authorizeInOrganization(actor, "read-audit-logs")
  } else {
    await projectForRead(scope, { kind: "id", id: projectId })
    authorize(actor, "read", "audit-logs", { projectId, now: scope.now })
  }
  const { types, actorType, actorId, userAgentType, metadata } = request
  const span = spanOf(request, scope.now)
  return { orgId: actor.orgId, projectId, types, actorType, actorId, userAgentType, metadata, ...span }
}

const dayMs = 24 * 60 * 60 * 1_000

function spanOf(request: Pick<AuditLogRequest, "from" | "until">, now: number) {
  const until = request.until ?? now
  const from = request.from ?? Math.min(until, now - (now % dayMs))
  if (until < from) throw wrongSpan("endDate must not be before startDate")
  if (until > threeMonthsAfter(from)) {
    throw wrongSpan("startDate and endDate must be at most three months apart")
  }
  return { from, until }
}

/** The same day three months later, or the last of that month. */
function threeMonthsAfter(time: number): number {
  const date = new Date(time)
  const day = date.getUTCDate()
  date.setUTCDate(1)
  date.setUTCMonth(date.getUTCMonth() + 3)
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  date.setUTCDate(Math.min(day, lastDay))
  return date.getTime()
}

async function viewOf(scope: ReadScope, events: readonly StoredEvent[]): Promise<AuditLogView> {
  const ids = new Set(events.flatMap(({ event }) => event.projectId ?? []))
  const projects = await listProjectFacts(scope.reader, [...ids])
  const organizationDays = await findOrganizationRetention(scope.reader, scope.session.actor.orgId)
  return {
    events,
    projects,
    retentionDaysOf: ({ event }) => {
      const project = event.projectId === null ? undefined : projects.get(event.projectId)
      return shorterRetention(organizationDays, project?.retentionDays ?? null)
    },
  }
}

function wrongSpan(message: string): AppError {
  return new AppError("unprocessable", "ValidationFailure", message)
}

function tooMuchToSearch(): AppError {
  return new AppError(
    "unprocessable",
    "ValidationFailure",
    "The filters match too few events of this span: bring startDate and endDate closer together, or go by cursor with /api/coffer/v1/audit-logs",
  )
}
