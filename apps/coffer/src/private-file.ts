/** Files with secrets in them. */
import { randomUUID } from "node:crypto"
import { type FileHandle, open, rename, rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { CommandError } from "./command-error.ts"

/** Each write is a way to another thread and back: a line alone is not worth it. */
const GATHERED_LENGTH = 64 * 1024

/**
 * Writes a file that only its owner can read, whatever mode an earlier file of this name had. A reader finds the old
 * content or the new one, never a part; a symbolic link is replaced, not followed.
 *
 * @param field what names the file on the command line, for errors
 * @param chunks what the file holds, in order; when they break off, nothing is left behind
 * @throws CommandError "invalid" naming the file when it cannot be written; whatever the chunks throw
 */
export async function writePrivateFile(
  field: string,
  file: string,
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): Promise<void> {
  const draft = join(dirname(file), `.${basename(file)}.${randomUUID()}`)
  const cannotWrite = (cause: unknown) => {
    throw new CommandError("invalid", `${field}: ${file} cannot be written`, { cause })
  }
  const handle = await open(draft, "wx", 0o600).catch(cannotWrite)
  try {
    for await (const chunk of gathered(chunks)) await handle.writeFile(chunk).catch(cannotWrite)
    await finish(handle).catch(cannotWrite)
    await rename(draft, file).catch(cannotWrite)
  } catch (error) {
    await handle.close().catch(() => {}) // Closed already, unless writing was what failed.
    await rm(draft, { force: true }).catch(() => {}) // What went wrong before is what is told.
    throw error
  }
}

/** Puts text that comes in small pieces together until it is worth a write. */
async function* gathered(
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): AsyncGenerator<string | Uint8Array> {
  let text = ""
  for await (const chunk of chunks) {
    if (typeof chunk === "string") {
      text += chunk
      if (text.length < GATHERED_LENGTH) continue
    }
    if (text !== "") yield text
    if (typeof chunk !== "string") yield chunk
    text = ""
  }
  if (text !== "") yield text
}

async function finish(handle: FileHandle): Promise<void> {
  await handle.sync()
  await handle.close()
}
