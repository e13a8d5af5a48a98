/** Errors of the server's own code, where a command runs it in process. */
import { AppError, ConfigError, type ErrorKind } from "@coffer/server"
import { CommandError } from "./command-error.ts"
import type { FailureKind } from "./exit-codes.ts"

const kindOfAppError = {
  invalid: "invalid",
  unprocessable: "invalid",
  unauthenticated: "unauthenticated",
  forbidden: "forbidden",
  "not-found": "not-found",
  conflict: "conflict",
  "rate-limited": "unavailable",
  unavailable: "unavailable",
} as const satisfies Record<ErrorKind, FailureKind>

/** The same error as a {@link CommandError} where the server caused it, and unchanged otherwise. */
export function fromServerError(error: unknown): unknown {
  if (error instanceof ConfigError) {
    return new CommandError("invalid", error.problems.join("; "), { cause: error })
  }
  if (error instanceof AppError) {
    return new CommandError(kindOfAppError[error.kind], error.message, { cause: error })
  }
  return error
}
