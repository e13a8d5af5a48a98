/** The audit log: GET /v1/organization/audit-logs (contract 5), and what the contract lacks under /coffer/v1. */
import { z } from "zod"
import { id, queryInteger, queryText, timestamp } from "./fields.ts"

const queryTime = queryText.pipe(
  z.iso.datetime({ offset: true, error: "must be a time such as 2026-01-31T12:00:00Z" }).optional(),
)

/** `k=v,k2=v2`; a value may hold further equal signs. */
const metadataPairs = queryText
  .refine(
    (pairs) => pairs === undefined || pairs.split(",").every((pair) => pair.indexOf("=") > 0),
    "must be pairs such as environment=prod,secretKey=API_KEY",
  )
  .transform((pairs) =>
    pairs === undefined ? undefined : Object.fromEntries(pairs.split(",").map(splitPair)),
  )

function splitPair(pair: string): [string, string] {
  const sign = pair.indexOf("=")
  return [pair.slice(0, sign).trim(), pair.slice(sign + 1).trim()]
}

const eventTypes = queryText.transform((types) => {
  const names = types?.split(",").flatMap((type) => type.trim() || [])
  return names === undefined || names.length === 0 ? undefined : names
})

const filters = {
  projectId: queryText,
  environment: queryText,
  secretPath: queryText,
  secretKey: queryText,
  eventType: eventTypes,
  eventMetadata: metadataPairs,
  userAgentType: queryText,
  actorType: queryText,
  actor: queryText,
  startDate: queryTime,
  endDate: queryTime,
  limit: queryInteger({ min: 1, max: 1_000 }),
}

export const auditLogQuery = z.object({ ...filters, offset: queryInteger({ min: 0, max: 1_000_000 }) })

/** The same question answered in pages that stay put while the log grows. */
export const auditLogPageQuery = z.object({ ...filters, cursor: queryText })

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

export const auditLogPageAnswer = z.object({
  auditLogs: z.array(
    auditLogEntry.extend({
      /** Where the event stands: which log, and which leaf of its tree. */
      position: z.object({ logId: id, seq: z.int() }),
    }),
  ),
  /** For the next, older page; null when there is none. A page may hold less than `limit` and still have a next one. */
  nextCursor: z.string().nullable(),
})

/** How long audit events are kept, in days. */
export const auditRetentionDays = z.int().min(1).max(36_500)

export const auditRetentionBody = z.object({ days: auditRetentionDays.nullable() })
export const auditRetentionAnswer = z.object({
  retention: z.object({
    /** What was set here; null keeps events for ever. */
    days: auditRetentionDays.nullable(),
    /** What counts: the shorter of the organization's and the project's. */
    effectiveDays: auditRetentionDays.nullable(),
  }),
})
