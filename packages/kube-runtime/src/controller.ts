import { type Clock, type Random, sleep, systemClock, systemRandom } from "./clock.ts"
import { createDeadline } from "./deadline.ts"
import { isConflict, TerminalError } from "./errors.ts"
import { type Logger, silentLogger } from "./logger.ts"
import { noMetrics, type RuntimeMetrics } from "./metrics.ts"
import { createWorkQueue, type WorkItem, type WorkQueue } from "./queue.ts"
import type { EnqueueOptions, ReconcileRequest } from "./request.ts"
import { keyText, parseKeyText } from "./resource.ts"
import type { Source } from "./source.ts"

/** Nothing more to do until something changes. */
export type Done = { readonly requeueAfterMs?: never; readonly requeueWithBackoff?: never }
export const done: Done = Object.freeze({})

/** Come back after this long (sooner if something changes). Resets the back-off. Not above 0: as RequeueWithBackoff. */
export type RequeueAfter = {
  readonly requeueAfterMs: number
  readonly priority?: number
  readonly requeueWithBackoff?: never
}
/** Come back after the key's back-off (1 s at first), without it being an error. */
export type RequeueWithBackoff = { readonly requeueWithBackoff: true; readonly requeueAfterMs?: never }

export type ReconcileResult = Done | RequeueAfter | RequeueWithBackoff

export interface ReconcileContext {
  readonly reconcileId: string
  /** Carries controller, namespace, name and reconcileId. */
  readonly logger: Logger
  /** The priority with which the request was queued. */
  readonly priority: number
  /** How many attempts in a row failed before this one. */
  readonly failures: number
}

/**
 * Brings one object to its desired state. Returning is success; throwing means retry with back-off; throwing
 * TerminalError means report and stop. The signal fires at the time-out and when the controller must stop.
 */
export type Reconcile = (
  request: ReconcileRequest,
  signal: AbortSignal,
  context: ReconcileContext,
) => Promise<ReconcileResult>

export interface ControllerOptions {
  readonly name: string
  readonly reconcile: Reconcile
  readonly sources: readonly Source[]
  /** Requests worked on at once; one object is never worked on twice at once. Default 1. */
  readonly concurrency?: number | undefined
  /** Default 5 min. */
  readonly reconcileTimeoutMs?: number | undefined
  /** How long a graceful stop waits for running reconciles before it aborts them. Default 10 s. */
  readonly drainMs?: number | undefined
  readonly backoffBaseMs?: number | undefined
  readonly backoffMaxMs?: number | undefined
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
  readonly logger?: Logger | undefined
  readonly metrics?: RuntimeMetrics | undefined
}

export interface Controller {
  readonly name: string
  readonly sources: readonly Source[]
  /**
   * Subscribes to the sources and works until `stop`, then drains. `abort` (leadership lost) cuts running reconciles
   * off at once. Resolves when the last one ended or its bound passed; may be called again afterwards.
   */
  run(signals: { stop: AbortSignal; abort?: AbortSignal | undefined }): Promise<void>
  /** Ignored while the controller does not run: its sources tell it everything when it starts. */
  enqueue(request: ReconcileRequest, options?: EnqueueOptions): void
  health(): ControllerHealth
}

export interface ControllerHealth {
  readonly name: string
  readonly running: boolean
  readonly queued: number
  readonly delayed: number
  readonly processing: number
}

export function createController(options: ControllerOptions): Controller {
  return new QueueController(options)
}

/** After the time-out fired the signal, a reconcile has this long to notice before its worker goes on without it. */
const NOTICE_MS = 5_000

class QueueController implements Controller {
  readonly name: string
  readonly sources: readonly Source[]
  readonly #options: ControllerOptions
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #metrics: RuntimeMetrics
  readonly #labels: { controller: string }
  #queue: WorkQueue | undefined
  #active = 0

  constructor(options: ControllerOptions) {
    this.name = options.name
    this.sources = options.sources
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#logger = (options.logger ?? silentLogger).child({ controller: options.name })
    this.#metrics = options.metrics ?? noMetrics
    this.#labels = { controller: options.name }
  }

  async run(signals: { stop: AbortSignal; abort?: AbortSignal | undefined }): Promise<void> {
    if (this.#queue) throw new Error(`controller ${this.name} is running`)
    const { name, backoffBaseMs, backoffMaxMs, concurrency = 1 } = this.#options
    const clock = this.#clock
    const queue = createWorkQueue({ name, clock, backoffBaseMs, backoffMaxMs, metrics: this.#metrics })
    this.#queue = queue
    this.#metrics.set("controller_runtime_max_concurrent_reconciles", this.#labels, concurrency)
    const cut = new AbortController()
    const unsubscribe: (() => void)[] = []
    let workers: Promise<void>[] = []
    try {
      for (const source of this.sources)
        unsubscribe.push(source.start((request, how) => this.enqueue(request, how)))
      workers = Array.from({ length: concurrency }, () => this.#work(queue, cut.signal))
      await firstOf(signals.stop, signals.abort)
    } finally {
      for (const end of unsubscribe) end()
      queue.shutDown()
      await this.#drain(Promise.all(workers), cut, signals.abort)
      this.#queue = undefined
    }
  }

  enqueue(request: ReconcileRequest, options: EnqueueOptions = {}): void {
    this.#queue?.addAfter(keyText(request), options.afterMs ?? 0, { priority: options.priority })
  }

  health(): ControllerHealth {
    return {
      name: this.name,
      running: this.#queue !== undefined,
      queued: this.#queue?.depth ?? 0,
      delayed: this.#queue?.delayed ?? 0,
      processing: this.#queue?.processing ?? 0,
    }
  }

  /** Lets what runs finish, then fires its signal, then waits a last time: never for ever. */
  async #drain(
    workers: Promise<unknown>,
    cut: AbortController,
    abort: AbortSignal | undefined,
  ): Promise<void> {
    const { drainMs = 10_000 } = this.#options
    let ended = false
    const settled = workers.then(() => {
      ended = true
    })
    if (!abort?.aborted) await this.#within(settled, drainMs, abort)
    cut.abort(new Error(`controller ${this.name} stops`))
    if (!ended) await this.#within(settled, NOTICE_MS)
    if (!ended) this.#logger.error({ processing: this.#active }, "reconciles did not end with their signal")
  }

  async #within(work: Promise<unknown>, boundMs: number, signal?: AbortSignal): Promise<void> {
    const waiting = new AbortController()
    const either = signal ? AbortSignal.any([waiting.signal, signal]) : waiting.signal
    await Promise.race([work, sleep(this.#clock, boundMs, either)])
    waiting.abort()
  }

  async #work(queue: WorkQueue, cut: AbortSignal): Promise<void> {
    for (let item = await queue.take(); item; item = await queue.take()) {
      try {
        await this.#process(queue, item, cut)
      } catch (error) {
        // Only a logger or a metric that throws gets here; the worker must survive it.
        this.#logger.error({ err: error }, "could not report a reconcile")
      }
    }
  }

  /** Runs one reconcile with its time-out, and carries out what its outcome means for the queue. */
  async #process(queue: WorkQueue, item: WorkItem, cut: AbortSignal): Promise<void> {
    const { reconcileTimeoutMs = 5 * 60_000 } = this.#options
    const context = this.#contextOf(queue, item)
    const startedAtMs = this.#clock.monotonicMs()
    using deadline = createDeadline(this.#clock, reconcileTimeoutMs, cut)
    this.#countActive(1)
    const finished = this.#reconcile(item, deadline.signal, context).then((outcome) => {
      this.#countActive(-1)
      const seconds = (this.#clock.monotonicMs() - startedAtMs) / 1000
      this.#metrics.observe("controller_runtime_reconcile_time_seconds", this.#labels, seconds)
      if (cut.aborted) return
      if (outcome.kind === "result") this.#settleResult(queue, item, outcome.result)
      else this.#settleError(queue, item, { error: outcome.error, context, timedOut: deadline.expired })
    })
    const released = finished.finally(() => queue.done(item.key))
    await Promise.race([released, this.#overdue(deadline.signal, released)])
    if (deadline.expired) this.#metrics.increment("controller_runtime_reconcile_timeouts_total", this.#labels)
  }

  /**
   * Resolves some time after the signal fired. A reconcile that ignores its signal then loses its worker to others;
   * its key stays taken until it ends, so that an object is never worked on twice at once.
   */
  async #overdue(signal: AbortSignal, finished: Promise<void>): Promise<void> {
    await firstOf(signal)
    await this.#within(finished, NOTICE_MS)
  }

  async #reconcile(item: WorkItem, signal: AbortSignal, context: ReconcileContext): Promise<Outcome> {
    try {
      return {
        kind: "result",
        result: await this.#options.reconcile(parseKeyText(item.key), signal, context),
      }
    } catch (error) {
      return { kind: "error", error }
    }
  }

  #settleResult(queue: WorkQueue, { key, priority }: WorkItem, result: ReconcileResult): void {
    const isDelayed = result.requeueAfterMs !== undefined && result.requeueAfterMs > 0
    const isSoon = result.requeueWithBackoff || (result.requeueAfterMs !== undefined && !isDelayed)
    if (isSoon) queue.addRateLimited(key, { priority })
    else queue.forget(key)
    if (isDelayed) queue.addAfter(key, result.requeueAfterMs, { priority: result.priority })
    const kind = isSoon ? "requeue" : isDelayed ? "requeue_after" : "success"
    this.#metrics.increment("controller_runtime_reconcile_total", { ...this.#labels, result: kind })
  }

  #settleError(
    queue: WorkQueue,
    { key, priority }: WorkItem,
    end: { error: unknown; context: ReconcileContext; timedOut: boolean },
  ): void {
    const { error, context, timedOut } = end
    this.#metrics.increment("controller_runtime_reconcile_total", { ...this.#labels, result: "error" })
    this.#metrics.increment("controller_runtime_reconcile_errors_total", this.#labels)
    if (error instanceof TerminalError) {
      this.#metrics.increment("controller_runtime_terminal_reconcile_errors_total", this.#labels)
      queue.forget(key)
      context.logger.error({ err: error }, "reconcile failed for good")
      return
    }
    if (isProgrammingError(error)) {
      this.#metrics.increment("controller_runtime_reconcile_panics_total", this.#labels)
    }
    queue.addRateLimited(key, { priority })
    const fields = { err: error, failures: queue.failures(key), timedOut }
    // Somebody else wrote first: routine, settled by the next attempt.
    if (isConflict(error)) context.logger.debug(fields, "reconcile met a conflict, trying again")
    else context.logger.error(fields, "reconcile failed, trying again")
  }

  #contextOf(queue: WorkQueue, item: WorkItem): ReconcileContext {
    const reconcileId = Math.floor(this.#random() * 2 ** 48)
      .toString(16)
      .padStart(12, "0")
    const logger = this.#logger.child({ ...parseKeyText(item.key), reconcileId })
    return { reconcileId, logger, priority: item.priority, failures: queue.failures(item.key) }
  }

  #countActive(by: 1 | -1): void {
    this.#active += by
    this.#metrics.set("controller_runtime_active_workers", this.#labels, this.#active)
  }
}

type Outcome = { kind: "result"; result: ReconcileResult } | { kind: "error"; error: unknown }

/** What in Go would have been a panic: a defect of ours, not of the world. */
function isProgrammingError(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError || !(error instanceof Error)
}

/** Resolves when one of the signals has fired. */
function firstOf(...signals: (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal?.aborted) resolve()
      else signal?.addEventListener("abort", () => resolve(), { once: true })
    }
  })
}
