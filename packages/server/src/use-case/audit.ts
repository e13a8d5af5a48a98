import type { AuditEventType, auditEventFields } from "@coffer/contract"
import { auditActorOf, type Session } from "../actor.ts"
import type { AuditEvent, AuditMetadata, AuditMetadataValue } from "../audit/audit-event.ts"
import type { Clock } from "../clock.ts"
import type { AppError } from "../errors.ts"
import type { Random } from "../random.ts"

/** The metadata an event of this type may carry: an allow-list, so nothing else can be written by accident. */
export type MetadataOf<T extends AuditEventType> = {
  readonly [K in (typeof auditEventFields)[T][number]]?: AuditMetadataValue
}

export type AuditDeps = { readonly clock: Clock; readonly random: Random }

export function auditEvent<T extends AuditEventType>(
  deps: AuditDeps,
  session: Session,
  type: T,
  about: { readonly projectId: string | null; readonly metadata: MetadataOf<T> },
): AuditEvent {
  return {
    id: deps.random.uuid(),
    at: deps.clock.now(),
    type,
    orgId: session.actor.orgId,
    projectId: about.projectId,
    actor: auditActorOf(session.actor),
    source: session.source,
    metadata: about.metadata as AuditMetadata,
  }
}

/** The same fact told again, of another request of the same actor. */
export function repeatEvent(
  deps: AuditDeps,
  session: Session,
  { type, orgId, projectId, metadata }: Fact,
): AuditEvent {
  return {
    id: deps.random.uuid(),
    at: deps.clock.now(),
    type,
    orgId,
    projectId,
    actor: auditActorOf(session.actor),
    source: session.source,
    metadata,
  }
}

/** What an event tells, whoever it tells it of. */
export type Fact = Pick<AuditEvent, "type" | "orgId" | "projectId" | "metadata">

/** The event of a request that was understood and refused. */
export function refusalEvent(
  deps: AuditDeps,
  session: Session,
  error: AppError,
  projectId: string | null,
): AuditEvent {
  const space = session.route.indexOf(" ")
  const method = session.route.slice(0, space)
  const route = session.route.slice(space + 1)
  if (error.kind === "forbidden") {
    const metadata = { method, route, reason: error.code, message: error.message }
    return auditEvent(deps, session, "permission-denied", { projectId, metadata })
  }
  const metadata = { method, route, reason: error.code, message: error.message }
  return auditEvent(deps, session, "request-refused", { projectId, metadata })
}

const recorded = new WeakSet<AppError>()

/** Remembers that the log already holds the refusal that this error tells of. */
export function markRecorded(error: AppError): void {
  recorded.add(error)
}

export function isRecorded(error: AppError): boolean {
  return recorded.has(error)
}
