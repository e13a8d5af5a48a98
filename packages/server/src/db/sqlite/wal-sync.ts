import { closeSync, fdatasync, fdatasyncSync, openSync } from "node:fs"
import { dirname } from "node:path"
import { syncFolder } from "../../private-folder.ts"

/** Makes what was written to an open file durable; an {@link AdaptiveSync} unless a test stands in for the disk. */
export type SyncFile = (descriptor: number, done: (error: Error | null) => void) => void

/** What a sync may take on average and still be waited for: handing it to another thread and back takes 0.1 to 0.3 ms. */
const PROMPT_MS = 1
/** After so many syncs in another thread it is tried again whether the disk is prompt. */
const SYNCS_ELSEWHERE = 200

/** The two ways to sync, and a clock in milliseconds, so that a test can stand in for a disk of any speed. */
export type SyncCalls = {
  readonly here: (descriptor: number) => void
  readonly elsewhere: SyncFile
  readonly now: () => number
}

const fileSystem: SyncCalls = { here: fdatasyncSync, elsewhere: fdatasync, now: () => performance.now() }

/**
 * An fdatasync that is waited for at once while the disk is prompt, and left to another thread while it is slow: two
 * changes of threads cost more than a prompt disk takes, and a slow one must not hold up everything else.
 */
export class AdaptiveSync {
  readonly #calls: SyncCalls
  #averageMs = 0
  #leftElsewhere = 0

  constructor(calls: SyncCalls = fileSystem) {
    this.#calls = calls
  }

  /** Syncs here or elsewhere, as the disk has been lately. */
  readonly sync: SyncFile = (descriptor, done) => {
    if (this.#leftElsewhere > 0) {
      this.#leftElsewhere -= 1
      this.#calls.elsewhere(descriptor, done)
      return
    }
    const startedMs = this.#calls.now()
    try {
      this.#calls.here(descriptor)
    } catch (error) {
      done(error instanceof Error ? error : new Error("fdatasync failed", { cause: error }))
      return
    }
    this.#note(this.#calls.now() - startedMs)
    done(null)
  }

  /** One late answer of a prompt disk changes little; a slow disk shows within a few. */
  #note(tookMs: number): void {
    this.#averageMs += (tookMs - this.#averageMs) / 8
    if (this.#averageMs <= PROMPT_MS) return
    this.#averageMs = 0
    this.#leftElsewhere = SYNCS_ELSEWHERE
  }
}

/**
 * Makes committed transactions durable: an fdatasync of the write-ahead log. At most one runs and one waits, and each
 * covers everything that was committed before it began (docs/adr/0003).
 */
export class WalSync {
  readonly #descriptor: number
  readonly #syncFile: SyncFile
  #current: Promise<void> | undefined
  #next: Promise<void> | undefined
  #failure: Error | undefined

  /** @param databasePath of a database in WAL mode that stays open longer than this, so that the log is not replaced */
  constructor(databasePath: string, syncFile: SyncFile = new AdaptiveSync().sync) {
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
