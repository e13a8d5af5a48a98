import type { Clock, Random } from "./clock.ts"
import type { RuntimeMetrics } from "./metrics.ts"

export interface WorkQueueOptions {
  /** Label of the metrics. */
  readonly name: string
  readonly clock: Clock
  readonly random?: Random | undefined
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
 * is handed out again only after `done`, and certainly then if it was added meanwhile.
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

export function createWorkQueue(_options: WorkQueueOptions): WorkQueue {
  throw new Error("not there yet")
}
