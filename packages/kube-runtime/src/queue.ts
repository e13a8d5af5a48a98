import type { CancelTimer, Clock } from "./clock.ts"
import { Heap } from "./heap.ts"
import { noMetrics, type RuntimeMetrics } from "./metrics.ts"

export interface WorkQueueOptions {
  /** Label of the metrics. */
  readonly name: string
  readonly clock: Clock
  readonly metrics?: RuntimeMetrics | undefined
  /** First pause after a failure; doubles each time. Default 1 s. */
  readonly backoffBaseMs?: number | undefined
  /** Default 7 min. */
  readonly backoffMaxMs?: number | undefined
}

export interface AddOptions {
  /** Higher comes first; first in, first out among equals. Default 0. */
  readonly priority?: number | undefined
}

export interface WorkItem {
  readonly key: string
  readonly priority: number
}

/**
 * A de-duplicating queue of keys. A key waits at most once, whoever adds it how often; a key that is being worked on
 * is handed out again only after `done`, and certainly then if it was added meanwhile. Of two priorities the higher
 * one counts, of two times the earlier one.
 */
export interface WorkQueue {
  add(key: string, options?: AddOptions): void
  /** Ready after the delay; if the key waits already, the earlier time wins. */
  addAfter(key: string, delayMs: number, options?: AddOptions): void
  /** Ready after the key's back-off, which grows until `forget`. */
  addRateLimited(key: string, options?: AddOptions): void
  /** Resets the back-off. */
  forget(key: string): void
  /** How often `addRateLimited` was called since `forget`. */
  failures(key: string): number
  /** Waits for the next key; undefined after `shutDown` (what still waits is dropped). */
  take(): Promise<WorkItem | undefined>
  /** Must follow each `take`. */
  done(key: string): void
  shutDown(): void
  /** Ready to be taken. */
  readonly depth: number
  /** Waiting for their time. */
  readonly delayed: number
  /** Taken and not done. */
  readonly processing: number
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new ClockedWorkQueue(options)
}

/** One stay of a key in the queue. Replaced entries stay in their heap as `stale` until they surface. */
interface Entry {
  readonly key: string
  readonly priority: number
  /** Arrival, so that equals keep their order. */
  readonly sequence: number
  /** When it became or becomes ready, on the monotonic clock. */
  readonly readyAtMs: number
  stale: boolean
}

const COMPACT_ABOVE = 1024

class ClockedWorkQueue implements WorkQueue {
  readonly #clock: Clock
  readonly #metrics: RuntimeMetrics
  readonly #labels: { name: string }
  readonly #backoffBaseMs: number
  readonly #backoffMaxMs: number

  readonly #readyHeap = new Heap<Entry>(
    (a, b) => a.priority > b.priority || (a.priority === b.priority && a.sequence < b.sequence),
  )
  readonly #delayedHeap = new Heap<Entry>((a, b) => a.readyAtMs < b.readyAtMs)
  readonly #ready = new Map<string, Entry>()
  readonly #delayed = new Map<string, Entry>()
  /** Taken keys and when they were taken. */
  readonly #working = new Map<string, number>()
  /** Keys added while they were worked on, with the priority for afterwards. */
  readonly #again = new Map<string, number>()
  readonly #failures = new Map<string, number>()
  readonly #takers: ((item: WorkItem | undefined) => void)[] = []

  #sequence = 0
  #timer: { atMs: number; cancel: CancelTimer } | undefined
  #closed = false

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock
    this.#metrics = options.metrics ?? noMetrics
    this.#labels = { name: options.name }
    this.#backoffBaseMs = options.backoffBaseMs ?? 1_000
    this.#backoffMaxMs = options.backoffMaxMs ?? 7 * 60_000
  }

  get depth(): number {
    return this.#ready.size
  }
  get delayed(): number {
    return this.#delayed.size
  }
  get processing(): number {
    return this.#working.size
  }

  add(key: string, options: AddOptions = {}): void {
    if (this.#closed) return
    const waiting = this.#drop(this.#delayed, key)
    const priority = Math.max(options.priority ?? 0, waiting?.priority ?? Number.NEGATIVE_INFINITY)
    if (this.#working.has(key)) {
      this.#again.set(key, Math.max(priority, this.#again.get(key) ?? Number.NEGATIVE_INFINITY))
      return
    }
    const present = this.#ready.get(key)
    if (present && present.priority >= priority) return
    if (!present) this.#metrics.increment("workqueue_adds_total", this.#labels)
    this.#makeReady(key, priority, present)
  }

  addAfter(key: string, delayMs: number, options: AddOptions = {}): void {
    if (this.#closed) return
    const isDueAnyway = !(delayMs > 0) || this.#ready.has(key) || this.#again.has(key)
    if (isDueAnyway) {
      this.add(key, options)
      return
    }
    const present = this.#delayed.get(key)
    const wantedAtMs = this.#clock.monotonicMs() + delayMs
    const readyAtMs = Math.min(wantedAtMs, present?.readyAtMs ?? Number.POSITIVE_INFINITY)
    const priority = Math.max(options.priority ?? 0, present?.priority ?? Number.NEGATIVE_INFINITY)
    if (present && present.readyAtMs === readyAtMs && present.priority === priority) return
    this.#drop(this.#delayed, key)
    const entry = { key, priority, sequence: this.#sequence++, readyAtMs, stale: false }
    this.#delayed.set(key, entry)
    this.#delayedHeap.push(entry)
    compact(this.#delayedHeap, this.#delayed.size)
    this.#setTimer()
  }

  addRateLimited(key: string, options: AddOptions = {}): void {
    if (this.#closed) return
    const failures = this.failures(key)
    this.#failures.set(key, failures + 1)
    this.#metrics.increment("workqueue_retries_total", this.#labels)
    this.addAfter(key, Math.min(this.#backoffBaseMs * 2 ** failures, this.#backoffMaxMs), options)
  }

  forget(key: string): void {
    this.#failures.delete(key)
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  take(): Promise<WorkItem | undefined> {
    if (this.#closed) return Promise.resolve(undefined)
    const item = this.#next()
    if (item) return Promise.resolve(item)
    return new Promise((resolve) => this.#takers.push(resolve))
  }

  done(key: string): void {
    const takenAtMs = this.#working.get(key)
    if (takenAtMs === undefined) throw new Error(`"${key}" was not taken from the queue`)
    this.#working.delete(key)
    this.#observeSince("workqueue_work_duration_seconds", takenAtMs)
    const priority = this.#again.get(key)
    if (priority === undefined) return
    this.#again.delete(key)
    this.add(key, { priority })
  }

  shutDown(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
    for (const waiting of [this.#ready, this.#delayed, this.#again, this.#failures]) waiting.clear()
    this.#readyHeap.keepOnly(() => false)
    this.#delayedHeap.keepOnly(() => false)
    this.#reportDepth()
    for (const taker of this.#takers.splice(0)) taker(undefined)
  }

  /** Puts the key among the ready ones, in the place of the entry it replaces, and serves a waiting taker. */
  #makeReady(key: string, priority: number, replaced?: Entry): void {
    if (replaced) replaced.stale = true
    const entry = {
      key,
      priority,
      sequence: this.#sequence++,
      readyAtMs: replaced?.readyAtMs ?? this.#clock.monotonicMs(),
      stale: false,
    }
    this.#ready.set(key, entry)
    this.#readyHeap.push(entry)
    compact(this.#readyHeap, this.#ready.size)
    this.#reportDepth()
    const taker = this.#takers.shift()
    if (taker) taker(this.#next())
  }

  #next(): WorkItem | undefined {
    for (let entry = this.#readyHeap.pop(); entry; entry = this.#readyHeap.pop()) {
      if (entry.stale) continue
      this.#ready.delete(entry.key)
      this.#working.set(entry.key, this.#clock.monotonicMs())
      this.#observeSince("workqueue_queue_duration_seconds", entry.readyAtMs)
      this.#reportDepth()
      return { key: entry.key, priority: entry.priority }
    }
    return undefined
  }

  #drop(from: Map<string, Entry>, key: string): Entry | undefined {
    const entry = from.get(key)
    if (!entry) return undefined
    entry.stale = true
    from.delete(key)
    return entry
  }

  /** One timer, for the earliest delayed key. */
  #setTimer(): void {
    while (this.#delayedHeap.peek()?.stale) this.#delayedHeap.pop()
    const earliest = this.#delayedHeap.peek()
    if (earliest && this.#timer && this.#timer.atMs <= earliest.readyAtMs) return
    this.#timer?.cancel()
    this.#timer = undefined
    if (!earliest) return
    const cancel = this.#clock.schedule(earliest.readyAtMs - this.#clock.monotonicMs(), () => this.#wake())
    this.#timer = { atMs: earliest.readyAtMs, cancel }
  }

  #wake(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    for (let entry = this.#delayedHeap.peek(); entry; entry = this.#delayedHeap.peek()) {
      if (!entry.stale && entry.readyAtMs > nowMs) break
      this.#delayedHeap.pop()
      if (!entry.stale) this.add(entry.key, { priority: entry.priority })
    }
    this.#setTimer()
  }

  #reportDepth(): void {
    this.#metrics.set("workqueue_depth", this.#labels, this.#ready.size)
  }

  #observeSince(
    name: "workqueue_queue_duration_seconds" | "workqueue_work_duration_seconds",
    sinceMs: number,
  ) {
    this.#metrics.observe(name, this.#labels, (this.#clock.monotonicMs() - sinceMs) / 1000)
  }
}

/** Stale entries must not outweigh live ones: a key that is re-added for days would otherwise grow the heap. */
function compact(heap: Heap<Entry>, live: number): void {
  if (heap.size > COMPACT_ABOVE && heap.size > 2 * live) heap.keepOnly((entry) => !entry.stale)
}
