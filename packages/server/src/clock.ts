/** The time of day, handed in so that tests can hold it still. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

/** The machine's clock; only composition roots name it. */
export const systemClock: Clock = { now: () => Date.now() }
