import { closeSync, fdatasync, openSync } from "node:fs"
import { dirname } from "node:path"
import { syncFolder } from "../../private-folder.ts"

/** Makes what was written to an open file durable; `fdatasync` unless a test stands in for the disk. */
export type SyncFile = (descriptor: number, done: (error: Error | null) => void) => void

/**
 * Makes committed transactions durable: an fdatasync of the write-ahead log, off the main thread. At most one runs and
 * one waits, and each covers everything that was committed before it began (docs/adr/0003).
 */
export class WalSync {
  readonly #descriptor: number
  readonly #syncFile: SyncFile
  #current: Promise<void> | undefined
  #next: Promise<void> | undefined
  #failure: Error | undefined

  /** @param databasePath of a database in WAL mode that stays open longer than this, so that the log is not replaced */
  constructor(databasePath: string, syncFile: SyncFile = fdatasync) {
    this.#syncFile = syncFile
    this.#descriptor = openSync(`${databasePath}-wal`, "r+")
    syncFolder(dirname(databasePath))
  }

  /** Set once a sync has failed: what the log holds on disk is then unknown, for good. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Resolves when everything that is committed by now is durable, in the order of the calls. */
  durable(): Promise<void> {
    if (this.#next !== undefined) return this.#next
    if (this.#current === undefined) return this.#start()
    this.#next = this.#current.then(
      () => this.#start(),
      () => this.#start(),
    )
    return this.#next
  }

  /** Resolves when no sync runs: what waits until then goes into one batch, which costs as much as a small one. */
  async idle(): Promise<void> {
    while (this.#current !== undefined) {
      // A failure is told to those who wait for durability.
      await this.#current.catch(() => undefined)
    }
  }

  /** Call when nothing waits any more. */
  close(): void {
    closeSync(this.#descriptor)
  }

  #start(): Promise<void> {
    this.#next = undefined
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const sync = new Promise<void>((resolve, reject) => {
      this.#syncFile(this.#descriptor, (error) => {
        if (error === null) return resolve()
        this.#failure ??= error
        reject(error)
      })
    })
    this.#current = sync.finally(() => {
      this.#current = undefined
    })
    return this.#current
  }
}
