/** Waiting for a condition with a bound, on a clock that is handed in. */
import { type Clock, sleep } from "@coffer/kube-runtime"
import { CommandError } from "../command-error.ts"

export type WaitOptions = {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly intervalMs?: number
  /** What is waited for, for the error: "ExternalSecret secrets-test/cluster-test to be ready". */
  readonly what: string
  /** Added to the error when the wait ends in vain. */
  readonly lastSeen?: () => string
}

const DEFAULT_INTERVAL_MS = 250

/**
 * Asks again and again until `probe` returns something.
 *
 * @throws CommandError "check-failed" after the time limit; the reason of the signal when it is aborted
 */
export async function waitUntil<T>(probe: () => Promise<T | undefined>, options: WaitOptions): Promise<T> {
  const { clock, signal, timeoutMs } = options
  const deadlineMs = clock.monotonicMs() + timeoutMs
  for (;;) {
    signal.throwIfAborted()
    const found = await probe()
    if (found !== undefined) return found
    if (clock.monotonicMs() >= deadlineMs) break
    await sleep(clock, options.intervalMs ?? DEFAULT_INTERVAL_MS, signal)
  }
  const seen = options.lastSeen?.() ?? ""
  const message = `waited ${Math.round(timeoutMs / 1000)} s for ${options.what}`
  throw new CommandError("check-failed", seen === "" ? message : `${message}; last seen: ${seen}`)
}
