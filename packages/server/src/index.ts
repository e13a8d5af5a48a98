/**
 * What other workspaces may use of the server. Everything else is reached through a part's own `index.ts`, from inside
 * this package.
 */
export {
  type AuditReport,
  createCheckpoint,
  type ExportFilter,
  exportAuditLogs,
  readPublishedHeads,
  verifyAuditExport,
  verifyAuditLogs,
} from "./audit/index.ts"
export { type Clock, systemClock } from "./clock.ts"
export { ConfigError, readConfig, type ServerConfig } from "./config.ts"
export { type ReportedSetting, reportConfig } from "./config-report.ts"
export { AppError, type ErrorKind } from "./errors.ts"
export type { Log } from "./log.ts"
export { type Random, systemRandom } from "./random.ts"
export { Secret } from "./secret.ts"
export { type RunningServer, type ServerDeps, startServer } from "./server.ts"
export { type AuditTrail, openAuditTrail, openStorage, type Storage } from "./storage.ts"
