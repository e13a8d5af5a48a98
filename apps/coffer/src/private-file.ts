/** Files with secrets in them. */
import { randomUUID } from "node:crypto"
import { rename, rm, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { CommandError } from "./command-error.ts"

/**
 * Writes a file that only its owner can read, whatever mode an earlier file of this name had. A reader finds the old
 * content or the new one, never a part; a symbolic link is replaced, not followed.
 *
 * @throws CommandError "invalid" naming the file when it cannot be written
 */
export async function writePrivateFile(file: string, content: string): Promise<void> {
  const draft = join(dirname(file), `.${basename(file)}.${randomUUID()}`)
  try {
    await writeFile(draft, content, { mode: 0o600, flag: "wx", flush: true })
    await rename(draft, file)
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {}) // What went wrong before is what is told.
    throw new CommandError("invalid", `--output-file: ${file} cannot be written`, { cause })
  }
}
