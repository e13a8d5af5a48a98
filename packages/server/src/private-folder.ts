import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from "node:fs"

/**
 * Creates a folder that only its owner may enter, and closes one that is there already. A mounted volume often belongs
 * to somebody else, and lets nobody change that: then the modes of the files alone protect them.
 */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  try {
    chmodSync(path, 0o700)
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) throw error
  }
}

/** Makes the names in a folder as durable as the files they name. */
export function syncFolder(path: string): void {
  // Windows can't open folders, and needs no such sync.
  if (process.platform === "win32") return
  const descriptor = openSync(path, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
