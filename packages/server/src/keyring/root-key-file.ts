import { closeSync, fsyncSync, linkSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import { makePrivateFolder, syncFolder } from "../private-folder.ts"
import type { Random } from "../random.ts"

/**
 * Creates the file (0600) with its whole text or not at all, also when the process is killed meanwhile, and leaves one
 * that is there already as it is.
 */
export function createRootKeyFile(path: string, text: string, random: Random): void {
  const folder = dirname(path)
  makePrivateFolder(folder)
  const temporaryPath = `${path}.${Buffer.from(random.bytes(8)).toString("hex")}.tmp`
  const descriptor = openSync(temporaryPath, "wx", 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  publish(temporaryPath, path)
  syncFolder(folder)
}

function publish(temporaryPath: string, path: string): void {
  try {
    linkSync(temporaryPath, path)
    unlinkSync(temporaryPath)
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") {
      unlinkSync(temporaryPath)
      return
    }
    // Some file systems have no links; there the last of several writers wins, and the others notice by its key.
    renameSync(temporaryPath, path)
  }
}
