import { chmodSync, closeSync, openSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { AppError } from "../../errors.ts"
import { makePrivateFolder } from "../../private-folder.ts"
import { databaseUnavailable } from "../database-error.ts"
import { sqliteCodeOf } from "./sqlite-error.ts"

/** A data folder that this process alone may use until it is released. */
export type DataFolder = {
  readonly databasePath: string
  release(): void
}

/**
 * Creates the folder if need be (0700) and takes it for this process.
 *
 * The lock is an open transaction on a database of its own: SQLite holds it as a lock of the operating system, so it
 * ends with the process, however that ends.
 *
 * @throws AppError "unavailable" when another process has the folder, or it can't be written
 */
export function takeDataFolder(path: string): DataFolder {
  try {
    makePrivateFolder(path)
    const lock = lockFolder(path)
    const databasePath = join(path, "coffer.db")
    createPrivateFile(databasePath)
    return { databasePath, release: () => lock.close() }
  } catch (error) {
    if (error instanceof AppError) throw error
    throw databaseUnavailable(`The data folder '${path}' can't be used: ${reasonOf(error)}`, error)
  }
}

function lockFolder(path: string): DatabaseSync {
  const lockPath = join(path, "coffer.lock")
  createPrivateFile(lockPath)
  const lock = new DatabaseSync(lockPath, { timeout: 1000 })
  try {
    lock.exec("begin exclusive")
    return lock
  } catch (error) {
    lock.close()
    if (sqliteCodeOf(error) !== undefined) {
      throw databaseUnavailable(
        `The data folder '${path}' is in use by another coffer process: stop that one, or choose another folder`,
        error,
      )
    }
    throw error
  }
}

/** SQLite gives its side files the permissions of the main file, so that one has to exist before it is opened. */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error
    // Opening and closing the file here would drop the locks that SQLite may hold on it: change the name only.
    chmodSync(path, 0o600)
  }
}

const reasons: Readonly<Record<string, string>> = {
  EROFS: "the disk is read-only",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is not a folder",
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "unknown error"
  const code = String(error.code)
  const reason = reasons[code]
  return reason === undefined ? code : `${reason} (${code})`
}
