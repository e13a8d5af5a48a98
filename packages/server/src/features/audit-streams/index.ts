/**
 * Streams: the audit log published elsewhere, while it is written. The log in the database is what counts; streams follow
 * it, so no request waits for one. Flow: worker (each second, every stream on its own) -> deliver (lease, next events and
 * their head by the stream's place in each log) -> sink (HTTP, syslog, file, standard output) -> the place is saved.
 * At least once: a receiver knows a repetition by log and sequence number. Files and standard output are named by the
 * server's configuration alone.
 */
export { auditStreamRoutes } from "./routes.ts"
export { AuditStreamWorker, type LocalStreams } from "./worker.ts"
