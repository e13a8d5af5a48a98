import { type FileHandle, open, unlink } from "node:fs/promises"
import { join } from "node:path"
import type { Random } from "../../random.ts"

/** So much has to fit on the disk again before it counts as no longer full. */
const ENOUGH_BYTES = 1024 * 1024

function isLackOfRoom(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT")
}

/** Tries whether something fits on the disk of a data folder, beside the database. */
export async function hasDiskRoom(dataFolder: string, random: Random): Promise<boolean> {
  const path = join(dataFolder, "coffer.room")
  let file: FileHandle | undefined
  try {
    file = await open(path, "w", 0o600)
    // Not zeros: a disk that compresses would have room for those.
    await file.writeFile(random.bytes(ENOUGH_BYTES))
    await file.datasync()
    return true
  } catch (error) {
    // A file that can't be made for another reason says nothing about the database: its next write will.
    return !isLackOfRoom(error)
  } finally {
    await file?.close().catch(() => undefined)
    await unlink(path).catch(() => undefined)
  }
}
