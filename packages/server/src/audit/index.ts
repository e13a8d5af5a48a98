/**
 * The audit log: what an event may say, how events become leaves of a Merkle log under signed heads, and how to prove
 * afterwards that nothing was changed. When events are written is decided by the features, and how they become durable
 * by `db/`.
 */

export { type AuditCheckpoint, createCheckpoint, parseCheckpoint } from "./audit-checkpoint.ts"
export type { AuditActor, AuditEvent, AuditMetadata, AuditSource, AuditWitness } from "./audit-event.ts"
export type { AuditHead, AuditSigner } from "./audit-head.ts"
export { newestHead, newestPrune, nextLogId, oldestEventAt } from "./audit-reader.ts"
export type { AuditFinding, AuditReport } from "./audit-report.ts"
export { type ExportedLine, type ExportFilter, exportAuditLogs } from "./export-log.ts"
export {
  type Publication,
  type PublicationQuery,
  type PublishedRecord,
  readPublication,
} from "./publication.ts"
export { readPublishedHeads } from "./published-heads.ts"
export { startRetention } from "./retention/retention-scheduler.ts"
export { shorterRetention } from "./retention/rule.ts"
export { type RetentionDeps, type RetentionOptions, runRetention } from "./retention/run-retention.ts"
export { type VerifyOptions, verifyAuditLogs } from "./verify.ts"
export { verifyAuditExport } from "./verify-export.ts"
