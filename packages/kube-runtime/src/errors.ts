/** Every error that this package throws on purpose. Messages quote names and server texts, never bodies or tokens. */

/** The API server's `Status` object, as far as we read it. */
export interface KubeStatus {
  kind?: string
  status?: string
  message?: string
  reason?: string
  code?: number
  details?: {
    name?: string
    group?: string
    kind?: string
    retryAfterSeconds?: number
    causes?: { reason?: string; message?: string; field?: string }[]
  }
}

/** The API server answered, and the answer was no. */
export class KubeApiError extends Error {
  override readonly name = "KubeApiError"
  /** HTTP status code. */
  readonly status: number
  /** The server's reason, for example `NotFound`; "" if it sent none. */
  readonly reason: string
  readonly details: KubeStatus["details"]
  /** How long the server asked us to wait, if it did. */
  readonly retryAfterMs: number | undefined

  constructor(
    status: number,
    body: KubeStatus,
    options?: ErrorOptions & { retryAfterMs?: number | undefined },
  ) {
    super(body.message || `the API server answered ${status}`, options)
    this.status = status
    this.reason = body.reason ?? ""
    this.details = body.details
    this.retryAfterMs = options?.retryAfterMs
  }

  get isNotFound(): boolean {
    return this.status === 404
  }
  /** The resourceVersion (or UID) given is not the current one. Read again and decide again. */
  get isConflict(): boolean {
    return this.status === 409 && this.reason !== "AlreadyExists"
  }
  get isAlreadyExists(): boolean {
    return this.status === 409 && this.reason === "AlreadyExists"
  }
  /** The resourceVersion or continue token is too old. List again. */
  get isExpired(): boolean {
    return this.status === 410
  }
  get isForbidden(): boolean {
    return this.status === 403
  }
  get isUnauthorized(): boolean {
    return this.status === 401
  }
  /** The object does not fit its schema or fails a validation. */
  get isInvalid(): boolean {
    return this.status === 422 || this.reason === "Invalid"
  }
  get isTooManyRequests(): boolean {
    return this.status === 429
  }
  /** The namespace is being deleted, so nothing new can be created in it. */
  get isNamespaceTerminating(): boolean {
    return this.details?.causes?.some((cause) => cause.reason === "NamespaceTerminating") ?? false
  }
}

/** The API server did not answer: connection refused or cut, TLS failure, time-out. `cause` has the reason. */
export class KubeTransportError extends Error {
  override readonly name = "KubeTransportError"
  /** True if the request certainly never reached the server, so that any verb may be repeated. */
  readonly neverSent: boolean
  /** True if our own patience ended. */
  readonly timedOut: boolean
  /** True if one side did not accept the other's certificate: trying again does not help. */
  readonly untrusted: boolean

  constructor(
    message: string,
    options: ErrorOptions & { neverSent?: boolean; timedOut?: boolean; untrusted?: boolean } = {},
  ) {
    super(message, options)
    this.neverSent = options.neverSent ?? false
    this.timedOut = options.timedOut ?? false
    this.untrusted = options.untrusted ?? false
  }
}

/** A kubeconfig (or in-cluster environment) that cannot be used. The message names file, field and fix. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError"
}

/** Thrown by a reconcile: report it, do not retry. The next event on the object starts over. */
export class TerminalError extends Error {
  override readonly name = "TerminalError"
}

/** True for a 404 of the API server. */
export function isNotFound(error: unknown): error is KubeApiError {
  return error instanceof KubeApiError && error.isNotFound
}

/** True for a 409 that means "read again"; false for `AlreadyExists`. */
export function isConflict(error: unknown): error is KubeApiError {
  return error instanceof KubeApiError && error.isConflict
}

/** True for a create that found the name taken. */
export function isAlreadyExists(error: unknown): error is KubeApiError {
  return error instanceof KubeApiError && error.isAlreadyExists
}
