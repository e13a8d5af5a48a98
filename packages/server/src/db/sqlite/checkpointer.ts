import type { StatementSync } from "node:sqlite"
import { setTimeout as wait } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import type { Log } from "../../log.ts"
import { DatabaseError } from "../database-error.ts"
import type { CheckpointOutcome } from "./checkpoint-worker.ts"
import type { SqliteConnection } from "./sqlite-connection.ts"
import { isSyncFailure } from "./sqlite-error.ts"

/** At 4 KiB a page: the log is copied back at 16 MiB; four times as much made the longest waits longer. */
const WAL_BOUND_PAGES = 4_000
/** At this many times the bound, writers wait until a worker that has not had its turn is done. */
const WAIT_AT_BOUNDS = 4
const MAX_WAIT_MS = 10_000
const RETRY_AFTER_MS = 5_000
/** Asking for the size of the log costs as much as three events; it can't grow far in this time. */
const MEASURE_EVERY_MS = 10
const KEEP_WORKER_MS = 30_000

/**
 * Keeps the write-ahead log bounded. When it has grown, a worker thread copies nearly all of it into the database file;
 * the main thread then copies the short rest between two batches, so that the next write starts the log anew. On a busy
 * machine the worker may not get its turn while the log grows: from some point on, the next batch waits for it.
 */
export class Checkpointer {
  readonly #path: string
  readonly #log: Log
  readonly #measure: StatementSync
  readonly #copy: StatementSync
  readonly #boundPages: number
  #copying: Promise<void> | undefined
  #worker: Worker | undefined
  #answer: ((outcome: CheckpointOutcome) => void) | undefined
  #dismissal: NodeJS.Timeout | undefined
  #restDue = false
  #notBeforeMs = 0
  #failure: unknown

  constructor(connection: SqliteConnection, deps: { path: string; log: Log; boundPages?: number }) {
    this.#path = deps.path
    this.#log = deps.log
    this.#boundPages = deps.boundPages ?? WAL_BOUND_PAGES
    this.#measure = connection.statement("pragma wal_checkpoint(noop)")
    this.#copy = connection.statement("pragma wal_checkpoint(passive)")
  }

  /** Looks at the log now and then, and has it copied when it has grown. True when the next batch must wait for that. */
  #needsPause(): boolean {
    if (this.#failure !== undefined) return true
    if (performance.now() < this.#notBeforeMs) return false
    if (this.#restDue) return true
    this.#notBeforeMs = performance.now() + MEASURE_EVERY_MS
    const { log, copied } = this.#pages()
    if (this.#copying !== undefined) return log > this.#boundPages * WAIT_AT_BOUNDS
    if (log - copied > this.#boundPages) this.#startCopying()
    return false
  }

  /**
   * Call between two batches, outside of any transaction; the next batch begins when it resolves.
   *
   * @throws when a sync failed here or in the worker, or the rest could not be copied
   */
  async betweenBatches(): Promise<void> {
    if (!this.#needsPause()) return
    if (this.#failure !== undefined) throw this.#failure
    if (!this.#restDue) await Promise.race([this.#copying, wait(MAX_WAIT_MS, undefined, { ref: false })])
    this.#notBeforeMs = performance.now() + RETRY_AFTER_MS
    if (!this.#restDue) return
    this.#restDue = false
    this.#copy.get()
    this.#notBeforeMs = 0
  }

  /** Resolves when no copy is under way and the worker is gone. */
  async close(): Promise<void> {
    await this.#copying
    await this.#dismiss()
  }

  #pages(): { readonly log: number; readonly copied: number } {
    const { log, checkpointed } = this.#measure.get() ?? {}
    return { log: Number(log), copied: Number(checkpointed) }
  }

  #startCopying(): void {
    this.#copying = this.#copyInWorker().finally(() => {
      this.#copying = undefined
    })
  }

  async #copyInWorker(): Promise<void> {
    const outcome = await this.#askWorker()
    if (outcome.kind === "done") {
      this.#restDue = true
      return
    }
    const error = new DatabaseError("other", String(outcome.code), outcome.message)
    if (isSyncFailure(error)) this.#failure = error
    this.#notBeforeMs = performance.now() + RETRY_AFTER_MS
    this.#log.warn({ err: error }, "Copying the write-ahead log into the database failed; it is tried again")
  }

  /** The worker stays a while: under load it is wanted again soon, and starting one costs more than most copies. */
  #askWorker(): Promise<CheckpointOutcome> {
    clearTimeout(this.#dismissal)
    const worker = this.#worker ?? this.#startWorker()
    worker.ref()
    return new Promise((resolve) => {
      this.#answer = (outcome) => {
        this.#answer = undefined
        worker.unref()
        this.#dismissal = setTimeout(() => this.#dismiss(), KEEP_WORKER_MS).unref()
        resolve(outcome)
      }
      worker.postMessage("copy")
    })
  }

  #startWorker(): Worker {
    const worker = new Worker(workerFile(), { workerData: { path: this.#path } })
    this.#worker = worker
    const failed = (message: string) => this.#answer?.({ kind: "failed", code: undefined, message })
    worker.on("message", (outcome: CheckpointOutcome) => this.#answer?.(outcome))
    worker.on("error", (error: Error) => failed(error.message))
    worker.on("exit", () => {
      // One that was dismissed has answered, and another one may be at work.
      if (this.#worker !== worker) return
      this.#worker = undefined
      failed("the worker ended early")
    })
    return worker
  }

  async #dismiss(): Promise<void> {
    clearTimeout(this.#dismissal)
    const worker = this.#worker
    // Ending takes a while, and who is ending can't be asked any more.
    this.#worker = undefined
    await worker?.terminate()
  }
}

/** The worker's file beside this one, in source and in the build alike. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"
  return new URL(`./checkpoint-worker.${extension}`, import.meta.url)
}
