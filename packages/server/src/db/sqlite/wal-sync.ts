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

  /** Resolves when no sync waits behind the running one: a batch that is committed then shares none with later ones. */
  async capacity(): Promise<void> {
    while (this.#next !== undefined && this.#current !== undefined) {
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
    const run = new Promise<void>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      this.#syncFile(this.#descriptor, (error) => {
        this.#current = undefined
        if (error === null) return resolve()
        this.#failure ??= error
        reject(error)
      })
    })
    this.#current = run
    return run
  }
}
