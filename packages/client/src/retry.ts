/** When a call is tried again, and after how long. Pure: randomness and time are handed in. */

export type RetryPolicy = {
  /** How often a call is repeated after its first try. */
  readonly maxRetries: number
  readonly baseDelayMs: number
  /** No single wait is longer, whatever the server asks for: beyond it the call gives up. */
  readonly maxDelayMs: number
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = { maxRetries: 3, baseDelayMs: 200, maxDelayMs: 10_000 }

/** What became of one try. */
export type FailedTry =
  | { readonly kind: "no-answer" }
  | { readonly kind: "answer"; readonly status: number; readonly retryAfterSeconds?: number | undefined }

const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504])

/**
 * The wait before the next try, or `undefined` when the failure is final.
 *
 * @param retriesDone how many repetitions were made already
 * @param random a number in [0, 1) that spreads callers apart
 */
export function nextDelayMs(
  policy: RetryPolicy,
  failure: FailedTry,
  retriesDone: number,
  random: number,
): number | undefined {
  if (retriesDone >= policy.maxRetries) return undefined
  if (failure.kind === "answer" && !RETRIED_STATUSES.has(failure.status)) return undefined
  if (failure.kind === "answer" && failure.retryAfterSeconds !== undefined) {
    const askedMs = failure.retryAfterSeconds * 1000
    return askedMs > policy.maxDelayMs ? undefined : askedMs
  }
  const ceilingMs = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** retriesDone)
  return Math.round(ceilingMs * (0.5 + random / 2))
}

/** Seconds of a `Retry-After` header: the integer form of the contract; a date or nonsense is ignored. */
export function parseRetryAfter(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header.trim()) ? Number(header) : undefined
}
