/**
 * Reads that many callers share. For each key at most one read is under way; a caller accepts any result whose read
 * began at or after the moment it names, and otherwise waits for (or starts) a newer one. A failure is shared by those
 * who waited for it, and nobody else. Results are dropped when idle or when there are too many.
 */
import type { Clock } from "@coffer/kube-runtime"
import type { ReadContext } from "./provider.ts"

export type SharedReadsOptions = {
  readonly clock: Clock
  /** Results that nobody asked for during this time are dropped at the next opportunity. */
  readonly idleMs: number
  /** Results kept at most; the least recently used go first. */
  readonly maxEntries: number
}

type Entry<T> = {
  readonly startedMs: number
  readonly outcome: Promise<T>
  state: "pending" | "done" | "failed"
  /** The newest value that is known, also when this read failed: what a conditional request builds on. */
  value: T | undefined
  usedMs: number
}

export class SharedReads<T> {
  readonly #options: SharedReadsOptions
  readonly #entries = new Map<string, Entry<T>>()

  constructor(options: SharedReadsOptions) {
    this.#options = options
  }

  /** `fetch` receives the last known value. It must have a limit of its own: the caller's signal only ends the waiting. */
  async read(key: string, context: ReadContext, fetch: (previous: T | undefined) => Promise<T>): Promise<T> {
    for (;;) {
      context.signal.throwIfAborted()
      const entry = this.#entries.get(key)
      const isFresh = entry && entry.state !== "failed" && entry.startedMs >= context.notOlderThanMs
      if (isFresh) return this.#use(key, entry, context.signal)
      if (entry?.state !== "pending")
        return this.#use(key, this.#start(key, entry?.value, fetch), context.signal)
      await untilSettled(entry.outcome, context.signal)
    }
  }

  /** Forgets a result, so that the next caller reads anew. */
  forget(key: string): void {
    this.#entries.delete(key)
  }

  get size(): number {
    return this.#entries.size
  }

  #start(key: string, previous: T | undefined, fetch: (previous: T | undefined) => Promise<T>): Entry<T> {
    const nowMs = this.#options.clock.nowMs()
    const entry: Entry<T> = {
      startedMs: nowMs,
      outcome: fetch(previous),
      state: "pending",
      value: previous,
      usedMs: nowMs,
    }
    this.#entries.set(key, entry)
    entry.outcome.then(
      (value) => {
        entry.value = value
        entry.state = "done"
      },
      () => {
        entry.state = "failed"
      },
    )
    this.#dropStale(nowMs)
    return entry
  }

  #use(key: string, entry: Entry<T>, signal: AbortSignal): Promise<T> {
    entry.usedMs = this.#options.clock.nowMs()
    if (this.#entries.get(key) === entry) {
      this.#entries.delete(key)
      this.#entries.set(key, entry) // most recently used comes last
    }
    return orAborted(entry.outcome, signal)
  }

  #dropStale(nowMs: number): void {
    for (const [key, entry] of this.#entries) {
      const isIdle = nowMs - entry.usedMs > this.#options.idleMs
      if (entry.state !== "pending" && (isIdle || this.#entries.size > this.#options.maxEntries))
        this.#entries.delete(key)
    }
  }
}

/** The outcome, or the signal's reason as soon as it fires; the work itself goes on for the others. */
export function orAborted<T>(outcome: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener("abort", onAbort, { once: true })
    outcome.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort))
  })
}

async function untilSettled(outcome: Promise<unknown>, signal: AbortSignal): Promise<void> {
  await orAborted(
    outcome.then(
      () => undefined,
      () => undefined,
    ),
    signal,
  )
}
