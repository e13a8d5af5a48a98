import type { StatementSync } from "node:sqlite"
import { setTimeout as wait } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import type { Log } from "../../log.ts"
import { DatabaseError } from "../database-error.ts"
import type { CheckpointOutcome } from "./checkpoint-worker.ts"
import type { SqliteConnection } from "./sqlite-connection.ts"
import { isSyncFailure } from "./sqlite-error.ts"

/** At 4 KiB a page: the log is copied back at 16 MiB. */
const WAL_BOUND_PAGES = 4_000
/** At this many times the bound, writers wait until a worker that has not had its turn is done. */
const WAIT_AT_BOUNDS = 4
const MAX_WAIT_MS = 10_000
const RETRY_AFTER_MS = 5_000
/** Asking for the size of the log costs as much as three events; it can't grow far in this time. */
const MEASURE_EVERY_MS = 10

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
  #worker: Promise<void> | undefined
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

  /**
   * Call between two batches, outside of any transaction; the next batch begins when it resolves.
   *
   * @throws when a sync failed here or in the worker, or the rest could not be copied
   */
  async betweenBatches(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (performance.now() < this.#notBeforeMs) return
    if (this.#worker !== undefined) {
      this.#notBeforeMs = performance.now() + MEASURE_EVERY_MS
      if (this.#pages().log <= this.#boundPages * WAIT_AT_BOUNDS) return
      await Promise.race([this.#worker, wait(MAX_WAIT_MS, undefined, { ref: false })])
      if (!this.#restDue) {
        this.#notBeforeMs = performance.now() + RETRY_AFTER_MS
        return
      }
    }
    if (this.#restDue) {
      this.#restDue = false
      this.#notBeforeMs = performance.now() + RETRY_AFTER_MS
      this.#copy.get()
      this.#notBeforeMs = 0
      return
    }
    this.#notBeforeMs = performance.now() + MEASURE_EVERY_MS
    const { log, copied } = this.#pages()
    if (log - copied > this.#boundPages) {
      this.#worker = this.#runWorker().finally(() => {
        this.#worker = undefined
      })
    }
  }

  /** Resolves when no worker runs. */
  async idle(): Promise<void> {
    await this.#worker
  }

  #pages(): { readonly log: number; readonly copied: number } {
    const { log, checkpointed } = this.#measure.get() ?? {}
    return { log: Number(log), copied: Number(checkpointed) }
  }

  async #runWorker(): Promise<void> {
    const outcome = await new Promise<CheckpointOutcome>((resolve) => {
      const worker = new Worker(workerFile(), { workerData: { path: this.#path } })
      worker.once("message", resolve)
      worker.once("error", (error: Error) =>
        resolve({ kind: "failed", code: undefined, message: error.message }),
      )
      worker.once("exit", () =>
        resolve({ kind: "failed", code: undefined, message: "the worker ended early" }),
      )
    })
    if (outcome.kind === "done") {
      this.#restDue = true
      return
    }
    const error = new DatabaseError("other", String(outcome.code), outcome.message)
    if (isSyncFailure(error)) this.#failure = error
    this.#notBeforeMs = performance.now() + RETRY_AFTER_MS
    this.#log.warn({ err: error }, "Copying the write-ahead log into the database failed; it is tried again")
  }
}

/** The worker's file beside this one, in source and in the build alike. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"
  return new URL(`./checkpoint-worker.${extension}`, import.meta.url)
}
