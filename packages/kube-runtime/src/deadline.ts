import type { Clock } from "./clock.ts"

/** A signal that fires with the caller's signal or after a time, and says which of the two it was. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
  readonly expired: boolean
  /** Starts the time anew. */
  restart(): void
}

/** Dispose of it when the work is over: it holds a timer and a listener. */
export function createDeadline(clock: Clock, afterMs: number, signal?: AbortSignal): Deadline {
  const controller = new AbortController()
  let expired = false
  let cancel = () => {}
  const restart = () => {
    cancel()
    cancel = clock.schedule(afterMs, () => {
      expired = true
      controller.abort(new Error(`nothing happened for ${afterMs} ms`))
    })
  }
  const follow = () => controller.abort(signal?.reason)
  if (signal?.aborted) follow()
  else {
    signal?.addEventListener("abort", follow, { once: true })
    restart()
  }
  return {
    signal: controller.signal,
    get expired() {
      return expired
    },
    restart,
    [Symbol.dispose]() {
      cancel()
      signal?.removeEventListener("abort", follow)
    },
  }
}
