/** Files with secrets in them. */
import { randomUUID } from "node:crypto"
import { type FileHandle, link, open, rename, rm, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { CommandError } from "./command-error.ts"

/** Each write is a way to another thread and back: a line alone is not worth it. */
const GATHERED_LENGTH = 64 * 1024

/** Where to write. */
export type PrivateFile = {
  /** What names the file on the command line, for errors. */
  readonly field: string
  readonly file: string
  /** True: what has this name is replaced. */
  readonly force: boolean | undefined
}

/**
 * For before the work: says at once what {@link writePrivateFile} would say at its end.
 *
 * @throws CommandError "conflict" when there is such a file and it may not be replaced; "invalid" when what is there is
 * no plain file
 */
export async function requireWritable({ field, file, force }: PrivateFile): Promise<void> {
  const found = await stat(file).catch(() => undefined) // whether it can be written shows when it is
  if (found === undefined) return
  if (!found.isFile()) throw new CommandError("invalid", `${field}: ${file} is there and is no plain file`)
  if (force !== true) throw existsAlready(field, file)
}

/**
 * Writes a file that only its owner can read. A reader finds the old content or the new one, never a part. An earlier
 * file of this name stays, unless it is to be replaced, whatever mode it had; a symbolic link is replaced, not followed.
 *
 * @param chunks what the file holds, in order; when they break off, nothing is left behind
 * @throws CommandError as {@link requireWritable}; "invalid" when it cannot be written; whatever the chunks throw
 */
export async function writePrivateFile(
  to: PrivateFile,
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): Promise<void> {
  await requireWritable(to)
  const { field, file, force } = to
  const draft = join(dirname(file), `.${basename(file)}.${randomUUID()}`)
  const cannotWrite = (cause: unknown) => {
    if (cause instanceof CommandError) throw cause
    throw new CommandError("invalid", `${field}: ${file} cannot be written`, { cause })
  }
  const handle = await open(draft, "wx", 0o600).catch(cannotWrite)
  try {
    for await (const chunk of gathered(chunks)) await handle.writeFile(chunk).catch(cannotWrite)
    await finish(handle).catch(cannotWrite)
    if (force === true) await rename(draft, file).catch(cannotWrite)
    else await giveName(draft, to).catch(cannotWrite)
  } catch (error) {
    await handle.close().catch(() => {}) // Closed already, unless writing was what failed.
    await rm(draft, { force: true }).catch(() => {}) // What went wrong before is what is told.
    throw error
  }
}

/** Gives a draft its name, unless something has taken that name meanwhile. */
async function giveName(draft: string, { field, file }: PrivateFile): Promise<void> {
  try {
    await link(draft, file)
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined
    if (code === "EEXIST") throw existsAlready(field, file)
    // A file system without hard links: whoever takes the name in this very moment loses what was written.
    await requireWritable({ field, file, force: false })
    await rename(draft, file)
    return
  }
  await rm(draft, { force: true })
}

function existsAlready(field: string, file: string): CommandError {
  return new CommandError("conflict", `${field}: ${file} exists already; --force replaces it`)
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
