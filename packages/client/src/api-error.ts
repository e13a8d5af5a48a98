/** The one error of the client: what went wrong, in the server's words where there are any. */

/** What a caller can do about it; the command maps each kind to an exit code. */
export type ApiErrorKind =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "rate-limited"
  | "unavailable"
  | "unexpected"

export type ApiErrorFacts = {
  readonly kind: ApiErrorKind
  /** HTTP status; `undefined` when no answer arrived. */
  readonly status?: number | undefined
  /** The `error` field of the answer, or a code of our own when no answer arrived. */
  readonly code: string
  /** `reqId` of the answer, which the server's log carries too. */
  readonly requestId?: string | undefined
  /** The `details` field of the answer, as it came. */
  readonly details?: unknown
  /** Seconds after which the server will listen again. */
  readonly retryAfterSeconds?: number | undefined
  /** Whether the call carried a token: an "unauthenticated" without one speaks of what the body carried. */
  readonly hadToken?: boolean
}

/** A call that did not succeed. Its message may name a project or a secret, never a value or a token. */
export class ApiError extends Error {
  override readonly name = "ApiError"
  readonly kind: ApiErrorKind
  readonly status: number | undefined
  readonly code: string
  readonly requestId: string | undefined
  readonly details: unknown
  readonly retryAfterSeconds: number | undefined
  readonly hadToken: boolean

  constructor(message: string, facts: ApiErrorFacts, options?: ErrorOptions) {
    super(message, options)
    this.kind = facts.kind
    this.status = facts.status
    this.code = facts.code
    this.requestId = facts.requestId
    this.details = facts.details
    this.retryAfterSeconds = facts.retryAfterSeconds
    this.hadToken = facts.hadToken === true
  }
}

/** True for an {@link ApiError} of one of the given kinds. */
export function isApiError(error: unknown, ...kinds: readonly ApiErrorKind[]): error is ApiError {
  return error instanceof ApiError && (kinds.length === 0 || kinds.includes(error.kind))
}
