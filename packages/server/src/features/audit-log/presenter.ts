import type { AuditLogEntry } from "@coffer/contract"
import type { AuditEvent } from "../../audit/audit-event.ts"
import { isoTime } from "../../http/index.ts"
import type { AuditLogView } from "./service.ts"
import type { StoredEvent } from "./store.ts"

const dayMs = 24 * 60 * 60 * 1_000

/** An event as the contract shows it (section 5). */
export function presentEvent(stored: StoredEvent, view: AuditLogView): AuditLogEntry {
  const { event } = stored
  const { projectId, source } = event
  const days = view.retentionDaysOf(stored)
  return {
    id: event.id,
    createdAt: isoTime(event.at),
    updatedAt: isoTime(event.at),
    expiresAt: days === null ? null : isoTime(event.at + days * dayMs),
    orgId: event.orgId,
    projectId,
    projectName: projectId === null ? null : (view.projects.get(projectId)?.name ?? null),
    ipAddress: source.ipAddress,
    userAgent: source.userAgent,
    userAgentType: source.userAgentType,
    event: { type: event.type, metadata: event.metadata },
    actor: presentActor(event),
  }
}

function presentActor({ actor }: AuditEvent): AuditLogEntry["actor"] {
  if (actor.type === "identity") {
    const { id: identityId, name, authMethod } = actor
    return { type: "identity", metadata: { identityId, name, authMethod } }
  }
  if (actor.type === "user") {
    const { id: userId, name, authMethod } = actor
    return { type: "user", metadata: { userId, email: name, username: name, authMethod } }
  }
  return { type: actor.type, metadata: {} }
}
