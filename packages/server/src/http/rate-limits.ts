/**
 * Requests per minute. Off unless configured: a self-hosted server knows its callers, and limits that nobody asked for
 * end pipelines and operators at the worst moment. Failed logins are counted always.
 *
 * Counters live in this process: behind `n` replicas a caller gets up to `n` times as many. They are bounded, and what
 * was used longest ago is forgotten first; whoever owns more addresses than there is room for is not stopped here.
 */
import { BoundedMap } from "../cache/index.ts"
import type { Clock } from "../clock.ts"
import { AppError, type ErrorKind } from "../errors.ts"

/** Requests per minute and caller, by class (contract 7.2). */
export type Rates = Readonly<Record<RateClass, number>>
export type RateClass = "read" | "write" | "secrets" | "identities" | "projects"

export const defaultRates: Rates = { read: 200, write: 90, secrets: 120, identities: 30, projects: 30 }

const windowMs = 60_000
const maxCallers = 20_000

/** A refusal that also says what the limit is: three headers of the contract besides `retry-after`. */
export class RateLimitError extends AppError {
  readonly limit: number
  readonly resetSeconds: number

  constructor(limit: number, resetSeconds: number, retryAfterSeconds = resetSeconds) {
    const message = `Rate limit exceeded. Please try again in ${retryAfterSeconds} seconds`
    super("rate-limited", "RateLimitExceeded", message, { retryAfterSeconds })
    this.limit = limit
    this.resetSeconds = resetSeconds
  }
}

type Window = { endsAt: number; used: number; pending: number }

/** Counts per key in windows of one minute that begin with the first use. */
class Windows {
  readonly #clock: Clock
  readonly #windows = new BoundedMap<string, Window>(maxCallers)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#windows.size
  }

  at(key: string): Window {
    const now = this.#clock.now()
    const known = this.#windows.get(key)
    if (known === undefined) {
      const fresh: Window = { endsAt: now + windowMs, used: 0, pending: 0 }
      this.#windows.set(key, fresh)
      return fresh
    }
    if (known.endsAt <= now) {
      known.endsAt = now + windowMs
      known.used = 0
    }
    return known
  }

  secondsLeft({ endsAt }: Window): number {
    return Math.max(1, Math.ceil((endsAt - this.#clock.now()) / 1_000))
  }
}

/** How often each caller may ask. */
export class RateLimits {
  readonly #rates: Rates
  readonly #windows: Windows
  readonly #classes = new Map<string, RateClass>()

  constructor(clock: Clock, rates: Rates) {
    this.#rates = rates
    this.#windows = new Windows(clock)
  }

  /** Callers that are remembered now. */
  get size(): number {
    return this.#windows.size
  }

  /**
   * Counts one request.
   *
   * @param route method and pattern, such as `GET /api/v4/secrets`: one of a closed set
   * @param caller the id of an actor, or a source address
   * @throws RateLimitError when the caller has had its share of this minute
   */
  take(route: string, caller: string): void {
    const rateClass = this.#classOf(route)
    const window = this.#windows.at(`${rateClass} ${caller}`)
    const limit = this.#rates[rateClass]
    if (window.used >= limit) throw new RateLimitError(limit, this.#windows.secondsLeft(window))
    window.used += 1
  }

  #classOf(route: string): RateClass {
    const known = this.#classes.get(route)
    if (known !== undefined) return known
    const found = rateClassOf(route)
    this.#classes.set(route, found)
    return found
  }
}

const creatingIdentities = "POST /api/v1/identities"
const creatingProjects = ["POST /api/v1/projects", "POST /api/v2/workspace"]

/** The class of a route, from its method and pattern. */
export function rateClassOf(route: string): RateClass {
  if (route === creatingIdentities) return "identities"
  if (creatingProjects.includes(route)) return "projects"
  if (/\/secrets?(\/|$)/.test(route)) return "secrets"
  return route.startsWith("GET ") ? "read" : "write"
}

/**
 * How often one source address may fail to prove who it is. Attempts under way count as failures until they are not, so
 * that many at once get no further than many in a row; one that succeeds gives its place back, because a cluster logs
 * in thousands of times from one address.
 */
export class FailedLoginLimit {
  readonly #limit: number
  readonly #windows: Windows

  constructor(clock: Clock, limit: number) {
    this.#limit = limit
    this.#windows = new Windows(clock)
  }

  /** Addresses that are remembered now. */
  get size(): number {
    return this.#windows.size
  }

  /**
   * @param source the canonical source address
   * @throws RateLimitError without calling `attempt` when the address has failed too often; else whatever `attempt` does
   */
  async guard<T>(source: string, attempt: () => Promise<T>): Promise<T> {
    const window = this.#windows.at(source)
    if (window.used >= this.#limit) throw new RateLimitError(this.#limit, this.#windows.secondsLeft(window))
    if (window.used + window.pending >= this.#limit) {
      throw new RateLimitError(this.#limit, this.#windows.secondsLeft(window), 1)
    }
    window.pending += 1
    try {
      return await attempt()
    } catch (error) {
      if (isGuess(error)) window.used += 1
      throw error
    } finally {
      window.pending -= 1
    }
  }
}

const guesses: readonly ErrorKind[] = ["invalid", "unauthenticated", "forbidden", "not-found"]

/** A body that cannot be read guesses nothing, and a database that is away is nobody's guess. */
function isGuess(error: unknown): boolean {
  return error instanceof AppError && guesses.includes(error.kind)
}
