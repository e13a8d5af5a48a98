/**
 * The login that `coffer login` keeps: `{ "version": 1, "domain": "...", "token": "..." }`, readable by
 * its owner only, replaced atomically so that a crash leaves the old file or the new one.
 */
import { type FileHandle, mkdir, open, readFile, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"
import { z } from "zod"
import { CommandError } from "./command-error.ts"
import { SecretText } from "./secret-text.ts"
import { unreadableFile } from "./unreadable-file.ts"

const schema = z.object({ version: z.literal(1), domain: z.string().min(1), token: z.string().min(1) })

export type StoredLogin = {
  /** Normalised address of the server that issued the token; it is sent nowhere else. */
  readonly domain: string
  readonly token: SecretText
}

/**
 * The stored login, or `undefined` when nobody logged in here.
 *
 * @throws CommandError "invalid" when the file is there and is none of ours
 */
export async function readStoredLogin(file: string): Promise<StoredLogin | undefined> {
  const text = await readIfPresent(file)
  if (text === undefined) return undefined
  const parsed = schema.safeParse(parseJson(text))
  if (!parsed.success) {
    throw new CommandError("invalid", `${file} is damaged; run 'coffer login' to write it anew`)
  }
  return { domain: parsed.data.domain, token: new SecretText(parsed.data.token) }
}

/**
 * Replaces the stored login; the folder is created with mode 0700, the file with mode 0600.
 *
 * @param uniqueSuffix names the draft that becomes the file
 * @throws CommandError when it cannot be written; the login from before is still there
 */
export async function writeStoredLogin(
  file: string,
  login: StoredLogin,
  uniqueSuffix: string,
): Promise<void> {
  const content = { version: 1, domain: login.domain, token: login.token.reveal() }
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await replaceFile(file, `${file}.${uniqueSuffix}`, `${JSON.stringify(content, undefined, 2)}\n`)
  } catch (cause) {
    throw new CommandError("unexpected", `the login could not be stored in ${file}`, { cause })
  }
}

/** Forgets the stored login, if there is one. @throws CommandError when it cannot be removed */
export async function removeStoredLogin(file: string): Promise<void> {
  try {
    await rm(file, { force: true })
  } catch (cause) {
    throw new CommandError("unexpected", `the login in ${file} could not be removed`, { cause })
  }
}

async function replaceFile(file: string, draft: string, content: string): Promise<void> {
  const handle = await open(draft, "wx", 0o600)
  try {
    await writeDurably(handle, content)
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

async function writeDurably(handle: FileHandle, content: string): Promise<void> {
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined
    throw unreadableFile(file, cause)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the schema refuses it with the better message
  }
}
