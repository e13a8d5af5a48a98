import type { Clock } from "./clock.ts"
import { sleep } from "./clock.ts"

/** Lets callers through at a steady rate, first come first served, after an initial burst. */
export interface RateLimiter {
  /** Resolves when it is the caller's turn, or early if the signal fires. */
  acquire(signal?: AbortSignal): Promise<void>
  /** Takes a token if one is there. */
  tryAcquire(): boolean
}

/** A token bucket. `perSecond` 0 means no limit. */
export function createRateLimiter(options: { perSecond: number; burst: number; clock: Clock }): RateLimiter {
  const { perSecond, burst, clock } = options
  if (!(perSecond > 0)) return { acquire: async () => {}, tryAcquire: () => true }
  let tokens = burst
  let countedAtMs = clock.monotonicMs()
  const refill = () => {
    const nowMs = clock.monotonicMs()
    tokens = Math.min(burst, tokens + ((nowMs - countedAtMs) / 1000) * perSecond)
    countedAtMs = nowMs
  }
  return {
    async acquire(signal) {
      refill()
      // Going below zero is a reservation: whoever comes next waits for longer.
      tokens -= 1
      if (tokens < 0) await sleep(clock, (-tokens / perSecond) * 1000, signal)
    },
    tryAcquire() {
      refill()
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}
