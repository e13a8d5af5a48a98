/** Locking and opening archives with age, as streams. */
import { ArchiveError } from "./archive-error.ts"

/** Only those who lock or open an archive load it. */
const library = () => import("age-encryption")

/** What an archive is locked with. */
export type ArchiveLock =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  /** Public keys, `age1...`; each opens it alone. */
  | { readonly kind: "recipients"; readonly recipients: readonly string[] }

/** What opens an archive. */
export type ArchiveKey =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  /** Secret keys, `AGE-SECRET-KEY-1...`; each is tried. */
  | { readonly kind: "identities"; readonly identities: readonly string[] }

/** A new X25519 key pair, for a lock that is used once. */
export async function createKeyPair(): Promise<{ readonly identity: string; readonly recipient: string }> {
  const { generateX25519Identity, identityToRecipient } = await library()
  const identity = await generateX25519Identity()
  return { identity, recipient: await identityToRecipient(identity) }
}

/**
 * The archive as an age file. Errors of `plain` come out of the stream, which then never ends as a whole file does.
 * @throws ArchiveError "invalid-key" for a recipient that is none
 */
export async function encryptArchive(
  plain: AsyncIterable<Uint8Array>,
  lock: ArchiveLock,
): Promise<ReadableStream<Uint8Array>> {
  const { Encrypter } = await library()
  const encrypter = new Encrypter()
  try {
    if (lock.kind === "passphrase") encrypter.setPassphrase(lock.passphrase)
    else for (const recipient of lock.recipients) encrypter.addRecipient(recipient)
  } catch (cause) {
    const shape = "an age recipient looks like age1..., of 62 characters"
    throw new ArchiveError("invalid-key", `A recipient is malformed: ${shape}`, { cause })
  }
  return await encrypter.encrypt(ReadableStream.from(plain))
}

/**
 * The records of an age file as bytes. The lock is tried before the promise resolves, every chunk when it is read.
 *
 * @throws ArchiveError "wrong-key", "not-an-archive", "invalid-key"; the iteration throws "damaged"
 */
export async function decryptArchive(
  sealed: AsyncIterable<Uint8Array>,
  key: ArchiveKey,
): Promise<AsyncIterable<Uint8Array>> {
  const { Decrypter } = await library()
  const decrypter = new Decrypter()
  try {
    if (key.kind === "passphrase") decrypter.addPassphrase(key.passphrase)
    else for (const identity of key.identities) decrypter.addIdentity(identity)
  } catch {
    // The message might quote the identity.
    throw new ArchiveError("invalid-key", "An identity is malformed: it looks like AGE-SECRET-KEY-1...")
  }
  const source = ReadableStream.from(withBoundedHeader(sealed))
  try {
    return authenticated(await decrypter.decrypt(source))
  } catch (cause) {
    await source.cancel().catch(() => undefined) // Locked by the reader that failed: it ended with it.
    if (cause instanceof ArchiveError) throw cause
    const isOther = cause instanceof Error && cause.message.startsWith("no identity matched")
    throw isOther
      ? new ArchiveError("wrong-key", "The archive does not open: wrong passphrase or identity", { cause })
      : notAge(cause)
  }
}

async function* authenticated(plain: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* plain
  } catch (cause) {
    const why = "a part of it was changed, or its end is missing"
    throw new ArchiveError("damaged", `The archive is damaged or cut off: ${why}`, { cause })
  }
}

/** Enough for a hundred recipients. The library reads headers of any length. */
const maxHeaderBytes = 16 * 1024
const endOfHeader = Buffer.from("\n--- ")

async function* withBoundedHeader(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf(endOfHeader)
    if (end > maxHeaderBytes || (end === -1 && head.length > maxHeaderBytes)) throw notAge()
    if (end === -1) continue
    yield head
    head = undefined
  }
  if (head !== undefined) yield head
}

function notAge(cause?: unknown): ArchiveError {
  return new ArchiveError("not-an-archive", "This is not an archive of a project: it is no age file", {
    cause,
  })
}
