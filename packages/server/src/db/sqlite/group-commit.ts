/**
 * One writer for the whole process. Each turn opens one transaction, runs every write that waits in a savepoint of its
 * own, appends the audit events of all of them under one signed head, commits, and has a sync of the log make it durable
 * before anybody is answered. Why this is as durable as a sync in each commit: docs/adr/0003, docs/adr/0014.
 */
import type { AuditWitness } from "../../audit/audit-event.ts"
import type { AuditAppend, AuditLog } from "../../audit/audit-log.ts"
import type { PendingAuditEvent } from "../../audit/audit-record.ts"
import type { Clock } from "../../clock.ts"
import type { Log } from "../../log.ts"
import type { WitnessRequest, WriteScope } from "../database.ts"
import { databaseUnavailable } from "../database-error.ts"
import { type CallSite, OpenWriteScope, runWithinBound } from "../open-write-scope.ts"
import type { SqliteAuditStatements } from "./sqlite-audit.ts"
import type { SqliteConnection } from "./sqlite-connection.ts"
import { sqliteWriters } from "./sqlite-dialect.ts"
import { isSyncFailure, translateSqliteError } from "./sqlite-error.ts"
import type { WalSync } from "./wal-sync.ts"

export type GroupCommitLimits = {
  /** How long one use case may hold the database before it is rolled back. */
  readonly writeTimeoutMs: number
  /** How long a write may wait for its turn. */
  readonly queueTimeoutMs: number
  /** How many writes and records may wait. */
  readonly maxQueued: number
  readonly maxWritesPerBatch: number
  readonly maxRecordsPerBatch: number
}

const defaultLimits: GroupCommitLimits = {
  writeTimeoutMs: 5_000,
  queueTimeoutMs: 30_000,
  maxQueued: 10_000,
  maxWritesPerBatch: 64,
  maxRecordsPerBatch: 1_000,
}

export type GroupCommitDeps = {
  readonly connection: SqliteConnection
  readonly walSync: WalSync
  readonly audit: SqliteAuditStatements
  readonly clock: Clock
  readonly log: Log
  /** Runs between two batches, outside of any transaction. */
  readonly betweenBatches: () => Promise<void>
  /** Hears of everything that went wrong with the database, be it one statement. */
  readonly failed: (error: unknown) => void
  readonly limits?: Partial<GroupCommitLimits>
}

type QueuedWrite = {
  readonly work: (scope: WriteScope) => Promise<unknown>
  readonly calledFrom: CallSite
  readonly queuedAtMs: number
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Events to append, and what is to be read in the same transaction. */
type QueuedRecord = {
  readonly events: readonly PendingAuditEvent[]
  readonly witness: WitnessRequest
  readonly resolve: (witness: AuditWitness) => void
  readonly reject: (error: unknown) => void
}

/** What a transaction holds, to be told to the callers once it is durable, or once it has failed as a whole. */
class Batch {
  readonly events: PendingAuditEvent[] = []
  readonly onDurable: (() => void)[] = []
  readonly onFailed: ((error: unknown) => void)[] = []

  resolve(): void {
    for (const tell of this.onDurable) tell()
  }

  reject(error: unknown): void {
    for (const tell of this.onFailed) tell(error)
  }
}

export class GroupCommit {
  readonly #deps: GroupCommitDeps
  readonly #limits: GroupCommitLimits
  readonly #createWriter: ReturnType<typeof sqliteWriters>
  readonly #writes: QueuedWrite[] = []
  readonly #records: QueuedRecord[] = []
  #auditLog: AuditLog | undefined
  #running: Promise<void> | undefined
  /** Why nothing more is taken. */
  #refusal: Error | undefined
  /** Set when that is because nobody knows what the disk holds: then what waits is refused as well. */
  #failure: Error | undefined

  constructor(deps: GroupCommitDeps) {
    this.#deps = deps
    this.#limits = { ...defaultLimits, ...deps.limits }
    this.#createWriter = sqliteWriters(deps.connection)
  }

  /** From here on, events can be recorded. */
  startAudit(log: AuditLog): void {
    this.#auditLog = log
  }

  write<T>(work: (scope: WriteScope) => Promise<T>, calledFrom: CallSite): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#assertAccepting(this.#writes.length)
      const queuedAtMs = performance.now()
      // The result is handed through untouched: it is what `work` resolved with.
      this.#writes.push({
        work,
        calledFrom,
        queuedAtMs,
        resolve: resolve as (result: unknown) => void,
        reject,
      })
      this.#wake()
    })
  }

  record(events: readonly PendingAuditEvent[], witness: WitnessRequest): Promise<AuditWitness> {
    return new Promise((resolve, reject) => {
      this.#assertAccepting(this.#records.length)
      this.#records.push({ events, witness, resolve, reject })
      this.#wake()
    })
  }

  /** Refuses what comes from now on, and resolves when what came before is durable or has failed. */
  async close(): Promise<void> {
    this.#refusal ??= databaseUnavailable("The database is closed")
    while (this.#running !== undefined) await this.#running
    // A failure was told to the callers.
    await this.#deps.walSync.durable().catch(() => undefined)
  }

  #assertAccepting(queued: number): void {
    if (this.#refusal !== undefined) throw this.#refusal
    if (queued >= this.#limits.maxQueued)
      throw databaseUnavailable("The database is overloaded: too many requests wait")
  }

  #wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#hasWork()) this.#wake()
    })
  }

  #hasWork(): boolean {
    return this.#writes.length > 0 || this.#records.length > 0
  }

  async #run(): Promise<void> {
    while (this.#hasWork()) {
      // One turn of the event loop lets the requests that arrived together share a batch, and all else have its turn: who
      // writes again as soon as a write is done would otherwise keep the loop to himself.
      await nextTurn()
      await this.#deps.walSync.idle()
      await this.#betweenBatches()
      await this.#commitBatch()
    }
  }

  async #betweenBatches(): Promise<void> {
    try {
      await this.#deps.betweenBatches()
    } catch (error) {
      this.#noteFailure(error)
      this.#deps.log.error({ err: error }, "Copying the write-ahead log into the database failed")
    }
  }

  async #commitBatch(): Promise<void> {
    const batch = new Batch()
    let append: AuditAppend | undefined
    let hasBegun = false
    try {
      const failure = this.#failure ?? this.#deps.walSync.failure
      if (failure !== undefined) throw failure
      this.#deps.connection.command("begin immediate")
      hasBegun = true
      await this.#runWrites(batch)
      const records = this.#takeRecords(batch)
      append = this.#appendEvents(batch)
      this.#addWitnesses(batch, records)
      this.#deps.connection.command("commit")
    } catch (error) {
      // Locked for too long, or no disk: whoever waits is told, instead of waiting for the next attempt and the next.
      if (!hasBegun) this.#takeAll(batch)
      this.#rollBack(batch, error)
      return
    }
    if (append !== undefined) this.#auditLog?.adopt(append)
    this.#deps.walSync.durable().then(
      () => batch.resolve(),
      (error) => {
        this.#noteFailure(error)
        batch.reject(this.#refusal)
      },
    )
  }

  async #runWrites(batch: Batch): Promise<void> {
    for (let count = 0; count < this.#limits.maxWritesPerBatch; count++) {
      const write = this.#writes.shift()
      if (write === undefined) return
      const startedMs = performance.now()
      if (startedMs - write.queuedAtMs > this.#limits.queueTimeoutMs) {
        write.reject(
          databaseUnavailable("The database is overloaded: the write waited too long for its turn"),
        )
        continue
      }
      batch.onFailed.push(write.reject)
      await this.#runWrite(batch, write)
      // Those who share the batch don't wait for more than one slow use case.
      if (performance.now() - startedMs > 100) return
    }
  }

  async #runWrite(batch: Batch, write: QueuedWrite): Promise<void> {
    const { connection } = this.#deps
    const scope = new OpenWriteScope(this.#createWriter)
    connection.command("savepoint write")
    try {
      const bound = { timeoutMs: this.#limits.writeTimeoutMs, calledFrom: write.calledFrom }
      const result = await runWithinBound(scope, write.work, bound)
      scope.throwIfFailed()
      connection.command("release write")
      batch.events.push(...scope.events)
      batch.onDurable.push(() => {
        for (const effect of scope.effects) this.#runEffect(effect)
        write.resolve(result)
      })
    } catch (error) {
      this.#deps.failed(error)
      // A full disk ends the whole transaction, not the savepoint alone.
      if (!connection.isInTransaction) throw error
      connection.command("rollback to write")
      connection.command("release write")
      // Told with the batch: the refusal may rest on what a neighbour wrote.
      batch.onDurable.push(() => write.reject(error))
    } finally {
      scope.close()
    }
  }

  #takeRecords(batch: Batch): QueuedRecord[] {
    const records = this.#records.splice(0, this.#limits.maxRecordsPerBatch)
    for (const record of records) {
      batch.onFailed.push(record.reject)
      batch.events.push(...record.events)
    }
    return records
  }

  #takeAll(batch: Batch): void {
    const waiting = [...this.#writes.splice(0), ...this.#records.splice(0)]
    batch.onFailed.push(...waiting.map(({ reject }) => reject))
  }

  #appendEvents(batch: Batch): AuditAppend | undefined {
    if (batch.events.length === 0) return undefined
    if (this.#auditLog === undefined) throw new Error("the audit log is not open yet: call startAudit first")
    const append = this.#auditLog.prepare(batch.events, this.#deps.clock.now())
    this.#deps.audit.append(this.#auditLog, append)
    return append
  }

  #addWitnesses(batch: Batch, records: readonly QueuedRecord[]): void {
    const witnesses = this.#deps.audit.witnesses(records.map((record) => record.witness))
    for (const [index, witness] of witnesses.entries()) {
      const record = records[index]
      if (record !== undefined) batch.onDurable.push(() => record.resolve(witness))
    }
  }

  #runEffect(effect: () => void): void {
    try {
      effect()
    } catch (error) {
      this.#deps.log.error({ err: error }, "An effect after a commit failed")
    }
  }

  #rollBack(batch: Batch, error: unknown): void {
    this.#noteFailure(error)
    if (this.#deps.connection.isInTransaction) {
      try {
        this.#deps.connection.command("rollback")
      } catch (rollbackError) {
        this.#deps.log.error({ err: rollbackError }, "Rolling back a batch failed")
      }
    }
    batch.reject(this.#refusal ?? translateSqliteError(error))
  }

  /** After a failed sync nobody knows what the disk holds: no more answers until the file is opened anew. */
  #noteFailure(error: unknown): void {
    this.#deps.failed(error)
    if (this.#failure !== undefined) return
    if (error !== this.#deps.walSync.failure && !isSyncFailure(error)) return
    this.#failure = databaseUnavailable(
      "The disk refused to store the database: the server has to be restarted",
      error,
    )
    this.#refusal = this.#failure
    this.#deps.log.error({ err: error }, "Syncing the database failed: it refuses everything until a restart")
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))
