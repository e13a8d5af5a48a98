/**
 * The one error class of the server. What it says is public by definition: message and details reach
 * the client; anything else goes in `cause`, which is logged and never sent.
 */

export type ErrorKind =
  | "invalid"
  | "unprocessable"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "rate-limited"
  | "unavailable"

/** Facts that may be shown to the client, in the contract's `details` field. */
export type PublicDetails = unknown

export type AppErrorOptions = ErrorOptions & {
  readonly details?: PublicDetails
  /** Seconds after which the client may try again (429 and 503). */
  readonly retryAfterSeconds?: number
}

/**
 * A refusal that the client is told about.
 *
 * @param kind decides the HTTP status (`http/error-mapper.ts`)
 * @param code the `error` field of the answer, one of `contract/error-codes.ts`
 * @param message one public sentence; names, slugs and paths may be quoted, values, tokens and keys never
 */
export class AppError extends Error {
  override readonly name = "AppError"
  readonly kind: ErrorKind
  readonly code: string
  readonly details: PublicDetails | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(kind: ErrorKind, code: string, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.code = code
    this.details = options.details
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
