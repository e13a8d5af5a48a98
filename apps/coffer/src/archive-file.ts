/**
 * Archives of projects as files. What travels to and from the server is locked for a key pair that lives as long as the
 * command; the lock of the file, a passphrase or recipients, is put on and taken off here, so that no passphrase and no
 * identity of anybody ever leaves this machine. Every record is checked on its way.
 */

import { createReadStream } from "node:fs"
import { open } from "node:fs/promises"
import type { CofferClient } from "@coffer/client"
import {
  ArchiveError,
  type ArchiveKey,
  type ArchiveLock,
  createKeyPair,
  decryptArchive,
  encryptArchive,
  RecordWriter,
  readRecords,
} from "@coffer/project-archive"
import { CommandError } from "./command-error.ts"
import type { CommandContext } from "./context.ts"
import { counted } from "./counted.ts"
import { type PrivateFile, writePrivateFile } from "./private-file.ts"
import { unreadableFile } from "./unreadable-file.ts"

/** Told of every record that went by. */
export type Progress = (record: { readonly kind: string }, bytes: number) => void

/** Writes remarks about long work: at most one in two seconds. */
export function progressOn(context: CommandContext, verb: string, isSilent: boolean): Progress {
  let [records, bytes, last] = [0, 0, 0]
  return (_record, size) => {
    // Counted from the first one: before it a passphrase takes its time.
    if (records === 0) last = context.clock()
    records += 1
    bytes += size
    if (isSilent || context.clock() - last < 2_000) return
    last = context.clock()
    context.terminal.note(`${verb} ${counted(records, "record")}, ${(bytes / 1_000_000).toFixed(1)} MB ...`)
  }
}

type Export = { readonly projectId: string; readonly to: PrivateFile; readonly lock: ArchiveLock }

/**
 * Writes the archive of a project to a file that only its owner can read. The file has its name only when it is whole.
 * @returns how many records of each kind it holds
 */
export async function writeArchive(
  client: CofferClient,
  { projectId, to, lock }: Export,
  progress: Progress,
): Promise<ReadonlyMap<string, number>> {
  const travel = await createKeyPair()
  const counts = new Map<string, number>()
  const count: Progress = (record, bytes) => {
    counts.set(record.kind, (counts.get(record.kind) ?? 0) + 1)
    progress(record, bytes)
  }
  try {
    const key = { kind: "identities", identities: [travel.identity] } as const
    const opened = await decryptArchive(await client.archives.download(projectId, travel.recipient), key)
    const sealed = await encryptArchive(checked(opened, count), lock)
    await writePrivateFile(to, sealed)
    return counts
  } catch (error) {
    throw told(error)
  }
}

type Import = {
  readonly file: string
  readonly key: ArchiveKey
  readonly asCopy: boolean
  readonly slug: string | undefined
  readonly name: string | undefined
}

/** Sends a file to the server, under another lock. */
export async function sendArchive(client: CofferClient, of: Import, progress: Progress) {
  const { file, key, ...rest } = of
  const travel = await createKeyPair()
  let broken: unknown
  const watched = async function* (plain: AsyncIterable<Uint8Array>) {
    try {
      yield* plain
    } catch (error) {
      broken = error
      throw error
    }
  }
  try {
    const opened = await decryptArchive(createReadStream(file), key)
    const lock = { kind: "recipients", recipients: [travel.recipient] } as const
    const sealed = await encryptArchive(watched(checked(opened, progress)), lock)
    return await client.archives.upload(sealed, { ...rest, identity: travel.identity })
  } catch (error) {
    throw told(broken ?? error)
  }
}

/** The same records with an end of their own, which comes only when theirs did. */
async function* checked(
  opened: AsyncIterable<Uint8Array>,
  progress: Progress,
): AsyncGenerator<Uint8Array, void> {
  const writer = new RecordWriter()
  for await (const record of readRecords(opened)) {
    const line = writer.line(record)
    progress(record, line.length)
    yield line
  }
  yield writer.end()
}

function told(error: unknown): unknown {
  return error instanceof ArchiveError ? new CommandError("invalid", error.message, { cause: error }) : error
}

/** How a file is locked, by its first bytes. @throws CommandError "invalid" when it cannot be read, or is no age file */
export async function lockOf(file: string): Promise<"passphrase" | "recipients"> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadableFile(file, cause)
  })
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0)
    const beginning = buffer.subarray(0, bytesRead).toString("latin1")
    if (!beginning.startsWith("age-encryption.org/v1\n-> ")) {
      throw new CommandError("invalid", `${file} is not an archive of a project: it is no age file`)
    }
    return beginning.startsWith("age-encryption.org/v1\n-> scrypt ") ? "passphrase" : "recipients"
  } finally {
    await handle.close()
  }
}
