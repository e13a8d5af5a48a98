import { AppError } from "../../errors.ts"
import { DatabaseError, type DatabaseErrorKind, databaseUnavailable } from "../database-error.ts"

/** Result codes of SQLite, https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_NOMEM = 7
const SQLITE_READONLY = 8
const SQLITE_IOERR = 10
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_CANTOPEN = 14
const SQLITE_NOTADB = 26
const SQLITE_IOERR_FSYNC = 1034

const unavailableReasons: ReadonlyMap<number, string> = new Map([
  [SQLITE_BUSY, "it is locked by another process"],
  [SQLITE_LOCKED, "it is locked"],
  [SQLITE_NOMEM, "there is no memory left"],
  [SQLITE_READONLY, "it is read-only"],
  [SQLITE_IOERR, "reading or writing its files failed"],
  [SQLITE_CORRUPT, "its file is damaged"],
  [SQLITE_FULL, "the disk is full"],
  [SQLITE_CANTOPEN, "its file can't be opened"],
  [SQLITE_NOTADB, "its file is not a database"],
])

const constraintKinds: ReadonlyMap<number, DatabaseErrorKind> = new Map([
  [2067, "unique"],
  [1555, "unique"],
  [787, "foreign-key"],
  [1299, "not-null"],
  [275, "check"],
])

/** The extended result code of an error of the driver; `undefined` for every other error. */
export function sqliteCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_SQLITE_ERROR") return undefined
  return "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined
}

/** The result code of an error that was translated already, or of the driver's own. */
function resultCodeOf(error: unknown): number | undefined {
  const cause = error instanceof AppError ? error.cause : error
  return cause instanceof DatabaseError ? Number(cause.code) : sqliteCodeOf(error)
}

/** Whether a sync failed, translated or not: what the file holds on disk is then unknown until it is opened anew. */
export function isSyncFailure(error: unknown): boolean {
  return resultCodeOf(error) === SQLITE_IOERR_FSYNC
}

/** Whether there was no room on the disk, translated or not. */
export function isDiskFull(error: unknown): boolean {
  const code = resultCodeOf(error)
  return code !== undefined && (code & 0xff) === SQLITE_FULL
}

/**
 * What the rest of the server sees of a failed statement: AppError "unavailable" when the database can't be used now,
 * DatabaseError when it refused the statement, and the error itself when it is none of the driver's.
 */
export function translateSqliteError(error: unknown): unknown {
  const code = sqliteCodeOf(error)
  if (code === undefined || !(error instanceof Error)) return error
  // SQLite's messages name tables, columns and constraints; they don't quote values.
  const translated = new DatabaseError(constraintKinds.get(code) ?? "other", String(code), error.message)
  const reason = unavailableReasons.get(code & 0xff)
  return reason === undefined
    ? translated
    : databaseUnavailable(`The database can't be used: ${reason}`, translated)
}
