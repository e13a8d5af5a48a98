import type { Clock } from "../clock.ts"

/** Time that stands still until a test moves it. Timers fire in order of their time. */
export class FakeClock implements Clock {
  #nowMs = 0
  #sequence = 0
  readonly #timers = new Map<number, { atMs: number; callback: () => void }>()
  readonly #epochMs: number

  constructor(epochMs = Date.UTC(2030, 0, 1)) {
    this.#epochMs = epochMs
  }

  nowMs(): number {
    return this.#epochMs + this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const id = this.#sequence++
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(delayMs, 0), callback })
    return () => this.#timers.delete(id)
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Moves time on, timer by timer, and lets promises settle after each. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs
    await settle()
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      this.#timers.delete(next.id)
      next.callback()
      await settle()
    }
    this.#nowMs = endMs
  }

  #next(endMs: number): { id: number; atMs: number; callback: () => void } | undefined {
    let earliest: { id: number; atMs: number; callback: () => void } | undefined
    for (const [id, timer] of this.#timers) {
      const isEarlier = earliest === undefined || timer.atMs < earliest.atMs
      if (timer.atMs <= endMs && isEarlier) earliest = { id, ...timer }
    }
    return earliest
  }
}

/** Lets everything that is already decided happen: several turns of the microtask queue and one of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
