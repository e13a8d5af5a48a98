/** GET /v1/organization/audit-logs (contract 5). */
import { z } from "zod"
import { id, queryInteger, queryText, timestamp } from "./fields.ts"

const queryTime = queryText.pipe(z.iso.datetime({ offset: true }).optional())

export const auditLogQuery = z.object({
  projectId: queryText,
  environment: queryText,
  secretPath: queryText,
  secretKey: queryText,
  eventType: queryText,
  userAgentType: queryText,
  actorType: queryText,
  actor: queryText,
  startDate: queryTime,
  endDate: queryTime,
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 1_000 }),
})

export const auditLogEntry = z.object({
  id,
  createdAt: timestamp,
  updatedAt: timestamp,
  expiresAt: timestamp.nullable(),
  orgId: id,
  projectId: id.nullable(),
  projectName: z.string().nullable(),
  ipAddress: z.string(),
  userAgent: z.string(),
  userAgentType: z.string(),
  event: z.object({ type: z.string(), metadata: z.record(z.string(), z.unknown()) }),
  actor: z.object({ type: z.string(), metadata: z.record(z.string(), z.unknown()) }),
})
export type AuditLogEntry = z.infer<typeof auditLogEntry>
export const auditLogAnswer = z.object({ auditLogs: z.array(auditLogEntry) })
