/**
 * Time as the runtime sees it. Handed in everywhere, so that tests drive it by hand.
 *
 * `nowMs` is the wall clock (what gets written into objects); `monotonicMs` only ever grows (what durations are
 * measured with, so that a stepped wall clock neither expires a lease nor starves the queue).
 */
export interface Clock {
  nowMs(): number
  monotonicMs(): number
  /** Calls back once after the delay. The returned function cancels; calling it late or twice is harmless. */
  schedule(delayMs: number, callback: () => void): CancelTimer
}

export type CancelTimer = () => void

/** A number in [0, 1), like `Math.random`. Used for jitter only, never for anything that must not be guessed. */
export type Random = () => number

const MAX_TIMER_MS = 2_147_483_647

/** The machine's clock. Timers keep the process alive only as long as somebody waits for them. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS))
    return () => clearTimeout(timer)
  },
}

/**
 * Waits for the delay or for the signal, whichever comes first; never throws.
 * Callers look at `signal.aborted` afterwards.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = () => {
      cancel()
      signal?.removeEventListener("abort", finish)
      resolve()
    }
    const cancel = clock.schedule(delayMs, finish)
    signal?.addEventListener("abort", finish, { once: true })
  })
}

/** The machine's jitter. */
export const systemRandom: Random = () => Math.random()
