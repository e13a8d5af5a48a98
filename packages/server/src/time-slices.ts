import { setImmediate } from "node:timers/promises"

/** What one slice may do before others get their turn, in units of about ten microseconds. */
const unitsPerSlice = 250

/**
 * Long work of one request, done in slices between which the event loop serves everyone else.
 *
 * Call {@link spend} for each piece of work and await what it returns, if it returns anything.
 */
export class TimeSlices {
  /** How many slices were used up so far. */
  finished = 0
  #spent = 0
  readonly #requireWanted: () => void

  /** @param requireWanted throws when nobody waits for the work any more; asked between slices */
  constructor(requireWanted: () => void = () => undefined) {
    this.#requireWanted = requireWanted
  }

  /** Counts work that was done; a promise when the slice is over. */
  spend(units = 1): Promise<void> | undefined {
    this.#spent += units
    return this.#spent < unitsPerSlice ? undefined : this.#next()
  }

  async #next(): Promise<void> {
    this.#spent = 0
    this.finished += 1
    await setImmediate()
    this.#requireWanted()
  }
}
