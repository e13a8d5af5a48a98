import { type AuditLogEntry, auditLogAnswer, auditLogQuery } from "@coffer/contract"
import type { AuditEvent } from "../../audit/audit-event.ts"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import { type AuditLogDeps, viewAuditLog } from "./service.ts"

/** GET /v1/organization/audit-logs (contract 5). */
export function auditLogRoutes(deps: AuditLogDeps, ports: HttpPorts): Routes {
  return (app) => {
    app.get(
      "/v1/organization/audit-logs",
      endpoint(
        ports,
        { summary: "Search the audit log", query: auditLogQuery, answer: auditLogAnswer },
        async ({ session, query }) => {
          const { environment, secretPath, secretKey } = query
          const view = await viewAuditLog(deps, session, {
            projectId: query.projectId,
            types: query.eventType?.split(",").map((type) => type.trim()),
            actorType: query.actorType,
            actorId: query.actor,
            userAgentType: query.userAgentType,
            metadata: definedOf({ environment, secretPath, secretKey }),
            from: timeOf(query.startDate),
            until: timeOf(query.endDate),
            offset: query.offset ?? 0,
            limit: query.limit ?? 20,
          })
          return { auditLogs: view.events.map((event) => presentEvent(event, view.projectNames)) }
        },
      ),
    )
  }
}

function presentEvent(event: AuditEvent, projectNames: ReadonlyMap<string, string>): AuditLogEntry {
  const { projectId, source } = event
  return {
    id: event.id,
    createdAt: isoTime(event.at),
    updatedAt: isoTime(event.at),
    expiresAt: null,
    orgId: event.orgId,
    projectId,
    projectName: projectId === null ? null : (projectNames.get(projectId) ?? null),
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
    const { id: userId, name } = actor
    return { type: "user", metadata: { userId, email: name, username: name } }
  }
  return { type: actor.type, metadata: {} }
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}

function definedOf(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const defined: Record<string, string> = {}
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) defined[name] = value
  return defined
}
