/**
 * Runs in a worker thread, started by `audit-thread.ts`: appends batches of records to the audit log, each in one
 * transaction that is synced before it is answered (`synchronous=FULL`). Only one thread writes at a time: the main
 * thread waits for the answer before it begins a transaction of its own.
 */
import type { KeyObject } from "node:crypto"
import { parentPort, workerData } from "node:worker_threads"
import { AuditKeySigner } from "../../audit/audit-head.ts"
import { AuditLog } from "../../audit/audit-log.ts"
import { CompactRange } from "../../audit/merkle.ts"
import { type AuditBatch, type AuditBatchOutcome, eventsOf } from "./audit-batch.ts"
import { SqliteAuditStatements } from "./sqlite-audit.ts"
import { SqliteConnection } from "./sqlite-connection.ts"
import { resultCodeOf } from "./sqlite-error.ts"

const { path, signingKey } = workerData as { path: string; signingKey: KeyObject }
const signer = new AuditKeySigner(signingKey)
const connection = new SqliteConnection(path, "read-write")
connection.exec("pragma wal_autocheckpoint = 0; pragma synchronous = full")
const statements = new SqliteAuditStatements(connection)

function commit(batch: AuditBatch): AuditBatchOutcome {
  connection.command("begin immediate")
  const log = new AuditLog(batch.logId, CompactRange.fromBytes(batch.size, batch.rangeBytes), signer)
  if (batch.times.length > 0) {
    const append = log.prepare(eventsOf(batch), batch.now)
    statements.append(log, append)
    log.adopt(append)
  }
  const revisions = batch.projectIds.map((id) => statements.revisionOf(id))
  const epochs = batch.actorIds.map((id) => statements.epochOf(id))
  connection.command("commit")
  return { kind: "durable", ...log.snapshot(), revisions, epochs }
}

function commitOrRollBack(batch: AuditBatch): AuditBatchOutcome {
  try {
    return commit(batch)
  } catch (error) {
    if (connection.isInTransaction) connection.command("rollback")
    const message = error instanceof Error ? error.message : "unknown error"
    return { kind: "failed", code: resultCodeOf(error), message }
  }
}

parentPort?.on("message", (batch: AuditBatch) => parentPort?.postMessage(commitOrRollBack(batch)))
