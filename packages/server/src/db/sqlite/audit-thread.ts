import type { KeyObject } from "node:crypto"
import { Worker } from "node:worker_threads"
import type { AuditWitness } from "../../audit/audit-event.ts"
import type { AuditLog } from "../../audit/audit-log.ts"
import type { PendingAuditEvent } from "../../audit/audit-record.ts"
import type { Log } from "../../log.ts"
import type { WitnessRequest } from "../database.ts"
import {
  type AuditBatch,
  type AuditBatchOutcome,
  idsOf,
  linesOf,
  type SeenByBatch,
  witnessesOf,
} from "./audit-batch.ts"
import { errorOfResultCode } from "./sqlite-error.ts"

/** Batches smaller than this are not worth the way to another thread and back. */
const LARGE_BATCH = 4
/** The thread is started at this pressure: a large batch adds two, a small one takes one away. */
const START_PRESSURE = 40
const RESTART_AFTER_MS = 5_000

/** The thread ended while it had batches: whether they were committed, only the database knows. */
export class AuditThreadLost extends Error {
  override readonly name = "AuditThreadLost"

  constructor() {
    super("the audit thread ended while it had batches")
  }
}

/** The port of a worker thread, so that a test can stand in for it. */
export type AuditPort = {
  postMessage(batch: AuditBatch): void
  on(event: "message", listener: (outcome: AuditBatchOutcome) => void): unknown
  on(event: "error", listener: (error: Error) => void): unknown
  on(event: "exit", listener: () => void): unknown
  terminate(): Promise<unknown>
  unref(): void
}

export type AuditThreadDeps = {
  readonly log: Log
  readonly start: () => AuditPort
}

/** A function that starts the thread for a database file. */
export function auditWorker(path: string, signingKey: KeyObject): () => AuditPort {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"
  const file = new URL(`./audit-worker.${extension}`, import.meta.url)
  return () => new Worker(file, { workerData: { path, signingKey } })
}

/** What one record wants appended, and what it wants to know. */
export type AuditWork = { readonly events: readonly PendingAuditEvent[]; readonly witness: WitnessRequest }

type Underway = {
  readonly resolve: (seen: SeenByBatch) => void
  readonly reject: (error: unknown) => void
}

/**
 * A thread that makes batches of records durable while the main thread answers requests. It is started under load and
 * stays; when it ends, it is started again after a while, and the main thread does the work meanwhile.
 */
export class AuditThread {
  readonly #deps: AuditThreadDeps
  #port: AuditPort | undefined
  /** Batches without an answer, the oldest first. */
  readonly #underway: Underway[] = []
  #log: AuditLog | undefined
  #pressure = 0
  #notBeforeMs = 0
  #isClosed = false

  constructor(deps: AuditThreadDeps) {
    this.#deps = deps
  }

  get isBusy(): boolean {
    return this.#underway.length > 0
  }

  /**
   * Whether a batch of this size should go to the thread; starts it when there have been many large ones. A thread that is
   * at work takes any: what comes meanwhile shares its next transaction.
   */
  takes(records: number): boolean {
    if (this.isBusy) return true
    if (records < LARGE_BATCH) {
      this.#pressure = Math.max(0, this.#pressure - 1)
      return false
    }
    if (this.#port !== undefined) return true
    this.#pressure += 2
    if (this.#pressure < START_PRESSURE || performance.now() < this.#notBeforeMs) return false
    return this.#start()
  }

  /**
   * Appends the events of records to a log. Resolves with their witnesses once they are durable and the log has moved on.
   * Batches are answered in the order in which they came; until the last one is, nobody else may write.
   *
   * @throws AppError "unavailable" or DatabaseError when it failed and left nothing; AuditThreadLost when nobody knows
   */
  async append(log: AuditLog, records: readonly AuditWork[], now: number): Promise<AuditWitness[]> {
    const events = records.flatMap((record) => record.events)
    const requests = records.map(({ witness }) => witness)
    const ids = idsOf(requests)
    const times = Float64Array.from(events, ({ at }) => at)
    const end = this.isBusy ? undefined : log.snapshot()
    this.#log = log
    const { revisions, epochs } = await this.#commit({
      logId: log.id,
      end,
      now,
      lines: linesOf(events),
      times,
      ...ids,
    })
    const revisionOf = new Map(ids.projectIds.map((id, index) => [id, revisions[index]]))
    const epochOf = new Map(ids.actorIds.map((id, index) => [id, epochs[index]]))
    return witnessesOf(requests, {
      revisionOf: (id) => revisionOf.get(id),
      epochOf: (id) => epochOf.get(id),
    })
  }

  /** Call when no batch is under way. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#port?.terminate()
  }

  #commit(batch: AuditBatch): Promise<SeenByBatch> {
    const port = this.#port
    if (port === undefined) return Promise.reject(new AuditThreadLost())
    return new Promise((resolve, reject) => {
      this.#underway.push({ resolve, reject })
      port.postMessage(batch)
    })
  }

  #answered(outcome: AuditBatchOutcome): void {
    if (outcome.kind === "failed") {
      const error = errorOfResultCode(outcome.code, outcome.message)
      for (const { reject } of this.#underway.splice(0, outcome.batches)) reject(error)
      return
    }
    this.#log?.adoptEnd(outcome)
    const answered = this.#underway.splice(0, outcome.seen.length)
    for (const [index, seen] of outcome.seen.entries()) answered[index]?.resolve(seen)
  }

  #start(): boolean {
    if (this.#isClosed) return false
    const port = this.#deps.start()
    this.#port = port
    port.unref()
    port.on("message", (outcome) => this.#answered(outcome))
    port.on("error", (error) => this.#deps.log.error({ err: error }, "The audit thread failed"))
    // Only now its connection is closed, and what it had not committed is rolled back.
    port.on("exit", () => this.#lost(port))
    return true
  }

  #lost(port: AuditPort): void {
    if (this.#port !== port) return
    this.#port = undefined
    this.#pressure = 0
    this.#notBeforeMs = performance.now() + RESTART_AFTER_MS
    if (!this.#isClosed)
      this.#deps.log.warn({}, "The audit thread ended; the main thread does its work meanwhile")
    for (const { reject } of this.#underway.splice(0)) reject(new AuditThreadLost())
  }
}
