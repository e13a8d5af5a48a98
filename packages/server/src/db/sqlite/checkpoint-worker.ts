/**
 * Runs in a worker thread, started by `checkpointer.ts`: copies the write-ahead log into the database file and syncs
 * both, while the main thread goes on writing. It never blocks a writer (PASSIVE).
 */
import { DatabaseSync } from "node:sqlite"
import { parentPort, workerData } from "node:worker_threads"
import { sqliteCodeOf } from "./sqlite-error.ts"

export type CheckpointOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly code: number | undefined; readonly message: string }

/** What may be left for the main thread, in pages. */
const SMALL_REMAINDER = 200
const MAX_ROUNDS = 4

function checkpoint(path: string): CheckpointOutcome {
  const database = new DatabaseSync(path, { timeout: 1000 })
  try {
    database.exec("pragma synchronous = normal")
    const statement = database.prepare("pragma wal_checkpoint(passive)")
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { log, checkpointed } = statement.get() ?? {}
      if (Number(log) - Number(checkpointed) < SMALL_REMAINDER) break
    }
    return { kind: "done" }
  } catch (error) {
    const message = error instanceof Error ? error.message : "unknown error"
    return { kind: "failed", code: sqliteCodeOf(error), message }
  } finally {
    database.close()
  }
}

const { path } = workerData as { path: string }
parentPort?.on("message", () => parentPort?.postMessage(checkpoint(path)))
