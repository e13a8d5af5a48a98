import type { ErrorCode } from "@coffer/contract"
import { AppError } from "../errors.ts"

export type DatabaseErrorKind = "unique" | "foreign-key" | "not-null" | "check" | "retryable" | "other"

/**
 * A statement that the database refused. It holds names of tables, columns and constraints, never values: what the
 * driver says beyond that is dropped, because drivers quote parameters.
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError"
  readonly kind: DatabaseErrorKind
  /** The driver's code: an SQLSTATE, or an extended result code of SQLite. */
  readonly code: string

  constructor(kind: DatabaseErrorKind, code: string, message: string) {
    super(message)
    this.kind = kind
    this.code = code
  }
}

/** Whether a row was refused because another one has its key. The write is over: nothing more can be done inside it. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof DatabaseError && error.kind === "unique"
}

/**
 * The outcome of a write that two may do at once; when somebody was faster, what `refusal` makes of that is thrown.
 * Looking first gives the same refusal to all who come later, and is no substitute.
 */
export async function unlessTaken<T>(writing: Promise<T>, refusal: (cause: unknown) => Error): Promise<T> {
  try {
    return await writing
  } catch (error) {
    throw isUniqueViolation(error) ? refusal(error) : error
  }
}

/** The refusal that a client sees while the database can't be used. */
export function databaseUnavailable(message: string, cause?: unknown): AppError {
  return new AppError("unavailable", "DatabaseUnavailable" satisfies ErrorCode, message, {
    ...(cause === undefined ? {} : { cause }),
    retryAfterSeconds: 5,
  })
}
