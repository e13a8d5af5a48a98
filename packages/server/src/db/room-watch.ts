import type { Log } from "../log.ts"
import { databaseUnavailable } from "./database-error.ts"

export type RoomWatchDeps = {
  readonly log: Log
  /** Whether an error says that nothing can be written for now, though the database is there. */
  isLackOfRoom(error: unknown): boolean
  /** Tries whether there is room again, without any user's request; leaves nothing. */
  hasRoom(): Promise<boolean>
}

/**
 * Whether a database that can be reached has room to write. The first write that finds none says so; after that it is
 * tried whenever somebody asks, because something small may find room again long before all is well.
 */
export class RoomWatch {
  readonly #deps: RoomWatchDeps
  #lack: { readonly message: string } | undefined
  #trying: Promise<boolean> | undefined

  constructor(deps: RoomWatchDeps) {
    this.#deps = deps
  }

  /** Call with everything that went wrong with the database. */
  note(error: unknown): void {
    if (this.#lack !== undefined || !this.#deps.isLackOfRoom(error)) return
    const message = error instanceof Error ? error.message : "unknown error"
    this.#lack = { message }
    this.#deps.log.error(
      { problem: message },
      "The database can't be written: the server is not ready until it can",
    )
  }

  /** @throws AppError "unavailable" while there is no room */
  async assertRoom(): Promise<void> {
    const lack = this.#lack
    if (lack === undefined) return
    this.#trying ??= this.#deps.hasRoom().finally(() => {
      this.#trying = undefined
    })
    if (!(await this.#trying)) throw databaseUnavailable(lack.message)
    if (this.#lack !== lack) return
    this.#lack = undefined
    this.#deps.log.info({}, "The database can be written again")
  }
}
