/**
 * What the edge accepts at most. Everything here is checked before a request costs more than reading it, so that no
 * caller, known or not, can make the server hold more than these numbers say (docs/limits.md lists them for users).
 */
export const limits = {
  bodyBytes: 1024 * 1024,
  jsonDepth: 32,
  /** Members, elements and containers of one body together. */
  jsonValues: 100_000,
  urlLength: 8_192,
  queryParameters: 100,
  /** Request line and headers together; more ends the connection. */
  headBytes: 32 * 1024,
  headers: 100,
} as const

/** How long a caller may take, in milliseconds. */
export type Timeouts = {
  /** Until the head of a request is complete. */
  readonly headMs: number
  /** From there until the body is complete too. */
  readonly requestMs: number
  /** Until a body is complete that is worked on while it arrives. */
  readonly uploadMs: number
  /** Of silence on a connection with a request under way; streams of events lift it. */
  readonly silenceMs: number
  /** Of a connection between two requests. Longer than the 60 s of most proxies, which must be the ones to close. */
  readonly idleMs: number
  /** How often slow callers are looked for: the other limits may be exceeded by this much. */
  readonly checkMs: number
}

export const timeouts: Timeouts = {
  headMs: 10_000,
  requestMs: 30_000,
  uploadMs: 60 * 60 * 1_000,
  silenceMs: 30_000,
  idleMs: 72_000,
  checkMs: 5_000,
}
