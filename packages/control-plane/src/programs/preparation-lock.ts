import { DatabaseSync } from "node:sqlite"
import { setTimeout as pause } from "node:timers/promises"
import { ControlPlaneError } from "../errors.ts"

const pollIntervalMs = 250
const maxWaitMs = 60 * 60_000

/**
 * Runs `work` while no other process does so with the same lock file. The lock is SQLite's lock on that
 * file, which the kernel drops when its holder dies: there is no stale lock to break. Throws
 * `preparation-busy` after an hour.
 */
export async function withPreparationLock<T>(
  path: string,
  report: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    await lock(database, path, report)
    return await work()
  } finally {
    database.close()
  }
}

async function lock(database: DatabaseSync, path: string, report: (line: string) => void): Promise<void> {
  const deadline = performance.now() + maxWaitMs
  let hasReported = false
  while (!tryLock(database)) {
    if (!hasReported) report("another process is preparing the control plane; waiting for it")
    hasReported = true
    if (performance.now() > deadline) {
      throw new ControlPlaneError(
        "preparation-busy",
        `another process has held ${path} for an hour; end it, or set KUBEBUILDER_ASSETS`,
      )
    }
    await pause(pollIntervalMs)
  }
}

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec("BEGIN EXCLUSIVE")
    return true
  } catch (error) {
    if (error instanceof Error && /database is locked/.test(error.message)) return false
    throw error
  }
}
