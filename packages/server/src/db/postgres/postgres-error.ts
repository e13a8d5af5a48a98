import { AppError } from "../../errors.ts"
import { DatabaseError, type DatabaseErrorKind, databaseUnavailable } from "../database-error.ts"

/** SQLSTATE codes, https://www.postgresql.org/docs/current/errcodes-appendix.html */
const statementKinds: ReadonlyMap<string, DatabaseErrorKind> = new Map([
  ["23505", "unique"],
  ["23503", "foreign-key"],
  ["23502", "not-null"],
  ["23514", "check"],
  ["40001", "retryable"],
  ["40P01", "retryable"],
])

const unavailableReasons: ReadonlyMap<string, string> = new Map([
  ["25006", "it is read-only"],
  ["53100", "its disk is full"],
  ["53200", "it has no memory left"],
  ["53300", "it has too many connections"],
  ["55P03", "a row or table stayed locked for too long"],
  ["57014", "a statement took too long"],
  ["57P01", "it is shutting down"],
  ["57P02", "it is shutting down"],
  ["57P03", "it is starting"],
])

/** The SQLSTATE of an error that the server sent; `undefined` when the connection failed instead. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("severity" in error)) return undefined
  return typeof error.code === "string" ? error.code : undefined
}

/**
 * What the rest of the server sees of a failed statement: AppError "unavailable" when the database can't be used now,
 * DatabaseError when it refused the statement. Nothing of the driver's text is kept: it quotes values.
 */
export function translatePostgresError(error: unknown): AppError | DatabaseError {
  if (error instanceof AppError || error instanceof DatabaseError) return error
  const state = sqlStateOf(error)
  if (state === undefined)
    return databaseUnavailable(`The database can't be reached (${transportCodeOf(error)})`)
  const translated = new DatabaseError(statementKinds.get(state) ?? "other", state, describe(error, state))
  const reason =
    unavailableReasons.get(state) ?? (state.startsWith("08") ? "the connection failed" : undefined)
  return reason === undefined
    ? translated
    : databaseUnavailable(`The database can't be used: ${reason}`, translated)
}

function describe(error: unknown, state: string): string {
  const names = ["table", "column", "constraint"].flatMap((field) => {
    const value = error instanceof Error ? Reflect.get(error, field) : undefined
    return typeof value === "string" ? [`${field} ${value}`] : []
  })
  return [`PostgreSQL error ${state}`, ...names].join(", ")
}

function transportCodeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "connection lost"
}
