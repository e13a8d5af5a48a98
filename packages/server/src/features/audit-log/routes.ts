import {
  auditLogAnswer,
  auditLogPageAnswer,
  auditLogPageQuery,
  auditLogQuery,
  auditRetentionAnswer,
  auditRetentionBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import type { z } from "zod"
import { endpoint, type HttpPorts, type Routes } from "../../http/index.ts"
import { readCursor, writeCursor } from "./cursor.ts"
import { presentEvent } from "./presenter.ts"
import { changeRetention, viewRetention } from "./retention.ts"
import { type AuditLogDeps, type AuditLogRequest, viewAuditLog, viewAuditLogPage } from "./service.ts"

/** GET /v1/organization/audit-logs (contract 5), the same in pages that stay put, and how long events are kept. */
export function auditLogRoutes(deps: AuditLogDeps, ports: HttpPorts): Routes {
  return (app) => {
    searchRoutes(app, deps, ports)
    retentionRoutes(app, deps, ports)
  }
}

function searchRoutes(app: FastifyInstance, deps: AuditLogDeps, ports: HttpPorts): void {
  app.get(
    "/v1/organization/audit-logs",
    endpoint(
      ports,
      { summary: "Search the audit log", query: auditLogQuery, answer: auditLogAnswer },
      async ({ session, query }) => {
        const request = { ...requestOf(query), offset: query.offset ?? 0 }
        const view = await viewAuditLog(deps, session, request)
        return { auditLogs: view.events.map((stored) => presentEvent(stored, view)) }
      },
    ),
  )
  app.get(
    "/coffer/v1/audit-logs",
    endpoint(
      ports,
      {
        summary: "Search the audit log page by page while it grows",
        query: auditLogPageQuery,
        answer: auditLogPageAnswer,
      },
      async ({ session, query }) => {
        const cursor = query.cursor === undefined ? undefined : readCursor(query.cursor)
        const view = await viewAuditLogPage(deps, session, { ...requestOf(query), cursor })
        const auditLogs = view.events.map((stored) => {
          const { logId, seq } = stored.position
          return { ...presentEvent(stored, view), position: { logId, seq } }
        })
        return { auditLogs, nextCursor: view.next === undefined ? null : writeCursor(view.next) }
      },
    ),
  )
}

function retentionRoutes(app: FastifyInstance, deps: AuditLogDeps, ports: HttpPorts): void {
  const places = [
    { path: "/coffer/v1/audit-retention", of: "the organization" },
    { path: "/coffer/v1/projects/:projectId/audit-retention", of: "a project" },
  ]
  for (const { path, of } of places) {
    app.get(
      path,
      endpoint(
        ports,
        { summary: `Show how long audit events of ${of} are kept`, answer: auditRetentionAnswer },
        async ({ session, params }) => ({
          retention: await viewRetention(deps, session, params["projectId"]),
        }),
      ),
    )
    app.patch(
      path,
      endpoint(
        ports,
        {
          summary: `Change how long audit events of ${of} are kept`,
          body: auditRetentionBody,
          answer: auditRetentionAnswer,
        },
        async ({ session, params, body }) => ({
          retention: await changeRetention(deps, session, {
            projectId: params["projectId"],
            days: body.days,
          }),
        }),
      ),
    )
  }
}

type Filters = Omit<z.output<typeof auditLogPageQuery>, "cursor">

function requestOf(query: Filters): AuditLogRequest {
  const { environment, secretPath, secretKey } = query
  return {
    projectId: query.projectId,
    types: query.eventType,
    actorType: query.actorType,
    actorId: query.actor,
    userAgentType: query.userAgentType,
    metadata: { ...query.eventMetadata, ...definedOf({ environment, secretPath, secretKey }) },
    from: timeOf(query.startDate),
    until: timeOf(query.endDate),
    limit: query.limit ?? 20,
  }
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}

function definedOf(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const defined: Record<string, string> = {}
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) defined[name] = value
  return defined
}
