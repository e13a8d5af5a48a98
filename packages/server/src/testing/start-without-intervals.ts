import { vi } from "vitest"

/** Starts something whose intervals never come: what it then does, it does because it was told to. */
export function startWithoutIntervals(worker: { start(): void }): void {
  const timers = vi.spyOn(globalThis, "setInterval")
  timers.mockImplementation(() => setTimeout(() => undefined, 0))
  worker.start()
  timers.mockRestore()
}
