import { AppError } from "../../errors.ts"

/** A login that is refused: the code is for the audit log, the error for the client. */
export class LoginRefusal extends Error {
  override readonly name = "LoginRefusal"
  readonly reasonCode: string
  readonly error: AppError

  constructor(reasonCode: string, error: AppError) {
    super(error.message)
    this.reasonCode = reasonCode
    this.error = error
  }
}

export function unauthorized(reasonCode: string, message: string): LoginRefusal {
  return new LoginRefusal(reasonCode, new AppError("unauthenticated", "UnauthorizedError", message))
}

export function forbidden(reasonCode: string, message: string): LoginRefusal {
  return new LoginRefusal(reasonCode, new AppError("forbidden", "ForbiddenError", message))
}

/** The provider could not be asked: says so with a 5xx, because the token may well be good. */
export function providerAway(message: string, cause: unknown): LoginRefusal {
  const error = new AppError("unavailable", "ServiceUnavailable", message, { cause, retryAfterSeconds: 5 })
  return new LoginRefusal("provider-unavailable", error)
}
