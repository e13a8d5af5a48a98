import { type FileHandle, open, unlink } from "node:fs/promises"
import { join } from "node:path"
import type { Log } from "../../log.ts"
import type { Random } from "../../random.ts"
import { databaseUnavailable } from "../database-error.ts"
import { isDiskFull } from "./sqlite-error.ts"

/** So much has to fit on the disk again before it counts as no longer full. */
const ENOUGH_BYTES = 1024 * 1024

export type DiskRoomDeps = {
  readonly dataFolder: string
  readonly random: Random
  readonly log: Log
}

/**
 * Whether the disk of a data folder is full. The first write that finds no room says so; that there is room again is
 * found by writing a file beside the database, so that it takes nobody's request.
 */
export class DiskRoom {
  readonly #deps: DiskRoomDeps
  #isFull = false
  #trying: Promise<boolean> | undefined

  constructor(deps: DiskRoomDeps) {
    this.#deps = deps
  }

  /** Call with everything that went wrong with the database. */
  note(error: unknown): void {
    if (this.#isFull || !isDiskFull(error)) return
    this.#isFull = true
    this.#deps.log.error(
      { dataFolder: this.#deps.dataFolder },
      "The disk is full: the server is not ready until there is room",
    )
  }

  /** @throws AppError "unavailable" while the disk is full; tries whether it still is */
  async assertRoom(): Promise<void> {
    if (!this.#isFull) return
    this.#trying ??= hasRoom(this.#deps).finally(() => {
      this.#trying = undefined
    })
    if (!(await this.#trying)) throw databaseUnavailable("The database can't be used: the disk is full")
    if (!this.#isFull) return
    this.#isFull = false
    this.#deps.log.info({ dataFolder: this.#deps.dataFolder }, "There is room on the disk again")
  }
}

async function hasRoom({ dataFolder, random }: DiskRoomDeps): Promise<boolean> {
  const path = join(dataFolder, "coffer.room")
  let file: FileHandle | undefined
  try {
    file = await open(path, "w", 0o600)
    // Not zeros: a disk that compresses would have room for those.
    await file.writeFile(random.bytes(ENOUGH_BYTES))
    await file.datasync()
    return true
  } catch {
    return false // No room, or nothing that would let a database write: the log has said so when it began.
  } finally {
    await file?.close().catch(() => undefined)
    await unlink(path).catch(() => undefined)
  }
}
