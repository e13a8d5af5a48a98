/** What went wrong with the control plane, by a code that callers may branch on. */
export type ControlPlaneErrorCode =
  | "assets-incomplete"
  | "programs-unavailable"
  | "download-refused"
  | "build-failed"
  | "preparation-busy"
  | "supervisor-failed"
  | "program-exited"
  | "ports-taken"
  | "not-ready"

/** The one error type of this package. The message says what happened and what to do; it holds no token. */
export class ControlPlaneError extends Error {
  readonly code: ControlPlaneErrorCode

  constructor(code: ControlPlaneErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = "ControlPlaneError"
    this.code = code
  }
}

/** The message of whatever was thrown, with the cause that `fetch` hides behind "fetch failed". */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof ControlPlaneError) return error.message
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
