/**
 * Runs in a worker thread, started by `audit-thread.ts`: appends batches of records to the audit log, each in one
 * transaction that is synced before it is answered (`synchronous=FULL`). Only one thread writes at a time: the main
 * thread waits for the answer before it begins a transaction of its own.
 */
import type { KeyObject } from "node:crypto"
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads"
import { AuditKeySigner } from "../../audit/audit-head.ts"
import { AuditLog } from "../../audit/audit-log.ts"
import { CompactRange } from "../../audit/merkle.ts"
import { type AuditBatch, type AuditBatchOutcome, eventsOf } from "./audit-batch.ts"
import { SqliteAuditStatements } from "./sqlite-audit.ts"
import { SqliteConnection } from "./sqlite-connection.ts"
import { resultCodeOf } from "./sqlite-error.ts"

const MAX_EVENTS = 1_000

const { path, signingKey } = workerData as { path: string; signingKey: KeyObject }
const signer = new AuditKeySigner(signingKey)
const connection = new SqliteConnection(path, "read-write")
connection.exec("pragma wal_autocheckpoint = 0; pragma synchronous = full")
const statements = new SqliteAuditStatements(connection)

let log: AuditLog | undefined

function commit(batches: readonly AuditBatch[]): AuditBatchOutcome {
  const [first] = batches
  if (first?.end !== undefined) {
    const { size, rangeBytes } = first.end
    log = new AuditLog(first.logId, CompactRange.fromBytes(size, rangeBytes), signer)
  }
  if (log === undefined) throw new Error("the first batch does not say where the log ends")
  // Only now: a batch that finds the database locked has still said where the next one goes on.
  connection.command("begin immediate")
  const events = batches.flatMap(eventsOf)
  const append = events.length === 0 ? undefined : log.prepare(events, batches.at(-1)?.now ?? 0)
  if (append !== undefined) statements.append(log, append)
  const seen = statements.seenBy(batches)
  connection.command("commit")
  if (append !== undefined) log.adopt(append)
  return { kind: "durable", ...log.snapshot(), seen }
}

function commitOrRollBack(batches: readonly AuditBatch[]): AuditBatchOutcome {
  try {
    return commit(batches)
  } catch (error) {
    if (connection.isInTransaction) connection.command("rollback")
    const message = error instanceof Error ? error.message : "unknown error"
    return { kind: "failed", batches: batches.length, code: resultCodeOf(error), message }
  }
}

/** What came while the last transaction was synced shares the next one. */
function withWaiting(port: MessagePort, first: AuditBatch): AuditBatch[] {
  const batches = [first]
  for (let events = first.times.length; events < MAX_EVENTS; ) {
    const next = receiveMessageOnPort(port) as { readonly message: AuditBatch } | undefined
    if (next === undefined) break
    batches.push(next.message)
    events += next.message.times.length
  }
  return batches
}

const port = parentPort
port?.on("message", (first: AuditBatch) => port.postMessage(commitOrRollBack(withWaiting(port, first))))
