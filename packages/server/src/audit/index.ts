/**
 * The audit log: what an event may say, how events become leaves of a Merkle log under signed heads, and how to prove
 * afterwards that nothing was changed. When events are written is decided by the features, and how they become durable
 * by `db/`.
 */

export { type AuditCheckpoint, createCheckpoint, parseCheckpoint } from "./audit-checkpoint.ts"
export type { AuditSigner } from "./audit-head.ts"
export { newestHead, nextLogId, oldestEventAt } from "./audit-reader.ts"
export type { AuditReport } from "./audit-report.ts"
export { type ExportFilter, exportAuditLogs } from "./export-log.ts"
export {
  type Publication,
  type PublishedRecord,
  readPublication,
} from "./publication.ts"
export { readPublishedHeads } from "./published-heads.ts"
export { startRetention } from "./retention/retention-scheduler.ts"
export { shorterRetention } from "./retention/rule.ts"
export { runRetention } from "./retention/run-retention.ts"
export { verifyAuditLogs } from "./verify.ts"
export { verifyAuditExport } from "./verify-export.ts"
