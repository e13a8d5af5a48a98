import { setTimeout as rest } from "node:timers/promises"
import type { Database } from "../../db/database.ts"
import type { Log } from "../../log.ts"
import { SliceSize } from "./slice-size.ts"
import { isRemovable, listRemovable, removeSlice } from "./store.ts"

/** What whoever hides a project tells that there is something to remove. */
export type Removal = { wake(): void }

export type RemoverDeps = { readonly database: Database; readonly log: Log }

const retryAfterMs = 5_000

/**
 * Removes what hidden projects hold, beside the requests. What is left when the process ends is found again by the next
 * one; several processes may work on the same project.
 */
export class ProjectRemover implements Removal {
  readonly #deps: RemoverDeps
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #isStarted = false
  #isDue = false

  constructor(deps: RemoverDeps) {
    this.#deps = deps
  }

  /** Looks for work now, and whenever it is told to. */
  start(): void {
    this.#isStarted = true
    this.wake()
  }

  wake(): void {
    this.#isDue = true
    if (!this.#isStarted || this.#stopping.signal.aborted) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when nothing is under way; a slice that was begun is finished. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** Removes what there is to remove now; by itself for tests. */
  async runOnce(): Promise<void> {
    for (const projectId of await listRemovable(this.#deps.database.reader)) {
      await removeRows(this.#deps, projectId, this.#stopping.signal)
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (this.#isDue && !signal.aborted) {
      this.#isDue = false
      try {
        await this.runOnce()
      } catch (error) {
        this.#deps.log.warn({ problem: String(error) }, "removing what a project held failed")
        this.#isDue = true
        // Cut short by the end of the process.
        await rest(retryAfterMs, undefined, { signal, ref: false }).catch(() => undefined)
      }
    }
  }
}

/**
 * Removes everything that a hidden project holds and the project itself, a slice at a time; between two slices others
 * have three times as long as the slice took, and the write-ahead log is copied faster than it grows. Does nothing while
 * an import of this id goes on.
 *
 * @param signal ends it between two slices; the rest stays hidden and is removed later
 */
export async function removeRows(
  { database }: Pick<RemoverDeps, "database">,
  projectId: string,
  signal?: AbortSignal,
): Promise<void> {
  if (!(await isRemovable(database.reader, projectId))) return
  const size = new SliceSize()
  while (signal?.aborted !== true) {
    const { hasMore, tookMs } = await database.write(async ({ db }) => {
      const started = performance.now()
      return {
        hasMore: await removeSlice(db, projectId, size.rows),
        tookMs: performance.now() - started,
      }
    })
    if (!hasMore) return
    size.note(tookMs)
    await rest(3 * tookMs)
  }
}
