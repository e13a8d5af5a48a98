/**
 * Envelope, format 1 (AES-256-GCM):
 *
 * ```
 * offset  size  field
 *      0     1  format version, 1
 *      1    16  key id
 *     17    12  nonce, random for every envelope
 *     29     n  ciphertext
 *   29+n    16  tag
 * ```
 *
 * The additional data is the first 17 bytes followed by the encoded parts (`additional-data.ts`), so the version,
 * the key id and the place of the value are all bound to the ciphertext.
 * GCM as in NIST SP 800-38D; random 96-bit nonces allow 2^32 envelopes per key (section 8.3).
 */
import { createCipheriv, createDecipheriv } from "node:crypto"
import { encodeAdditionalData } from "./additional-data.ts"

const FORMAT_VERSION = 1
const KEY_ID_SIZE = 16
const KEY_SIZE = 32
const NONCE_SIZE = 12
const TAG_SIZE = 16
const HEADER_SIZE = 1 + KEY_ID_SIZE
const OVERHEAD = HEADER_SIZE + NONCE_SIZE + TAG_SIZE

/** The largest plaintext that is sealed or opened. */
export const MAX_PLAINTEXT_BYTES = 16 * 1024 * 1024

/** A 256-bit key and the 16 bytes that name it inside envelopes. */
export type SealingKey = { readonly idBytes: Uint8Array; readonly keyBytes: Uint8Array }

/** Returns the 32-byte key with this id, or `undefined` when it is not known. */
export type KeyLookup = (keyIdBytes: Uint8Array) => Uint8Array | undefined

/** A source of unpredictable bytes. */
export type RandomBytes = (size: number) => Uint8Array

/** An envelope did not open. There is one reason for all causes: which byte was wrong helps only an attacker. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError"

  constructor() {
    super("the envelope does not open")
  }
}

/**
 * Seals a plaintext for one place.
 *
 * @param parts where the value belongs; `open` needs the same list
 * @throws RangeError when key or plaintext have the wrong size
 */
export function seal(
  key: SealingKey,
  parts: readonly string[],
  plaintextBytes: Uint8Array,
  randomBytes: RandomBytes,
): Uint8Array {
  if (key.keyBytes.length !== KEY_SIZE) throw new RangeError("a sealing key has 32 bytes")
  if (key.idBytes.length !== KEY_ID_SIZE) throw new RangeError("a key id has 16 bytes")
  if (plaintextBytes.length > MAX_PLAINTEXT_BYTES) throw new RangeError("the plaintext is too large to seal")
  const nonce = randomBytes(NONCE_SIZE)
  if (nonce.length !== NONCE_SIZE) throw new RangeError("the source of randomness gave too few bytes")

  const envelope = Buffer.allocUnsafe(OVERHEAD + plaintextBytes.length)
  envelope[0] = FORMAT_VERSION
  envelope.set(key.idBytes, 1)
  envelope.set(nonce, HEADER_SIZE)
  const cipher = createCipheriv("aes-256-gcm", key.keyBytes, nonce, { authTagLength: TAG_SIZE })
  cipher.setAAD(additionalData(envelope, parts))
  const ciphertext = cipher.update(plaintextBytes)
  cipher.final()
  envelope.set(ciphertext, HEADER_SIZE + NONCE_SIZE)
  envelope.set(cipher.getAuthTag(), envelope.length - TAG_SIZE)
  return envelope
}

/**
 * Opens an envelope at the place it was sealed for.
 *
 * @throws EnvelopeError, always the same, when the bytes, the key or the place are not the right ones
 */
export function open(lookupKey: KeyLookup, parts: readonly string[], envelopeBytes: Uint8Array): Uint8Array {
  const keyIdBytes = keyIdOf(envelopeBytes)
  const keyBytes = keyIdBytes === undefined ? undefined : lookupKey(keyIdBytes)
  if (keyBytes === undefined) throw new EnvelopeError()
  const nonce = envelopeBytes.subarray(HEADER_SIZE, HEADER_SIZE + NONCE_SIZE)
  const tagStart = envelopeBytes.length - TAG_SIZE
  try {
    const decipher = createDecipheriv("aes-256-gcm", keyBytes, nonce, { authTagLength: TAG_SIZE })
    decipher.setAAD(additionalData(envelopeBytes, parts))
    decipher.setAuthTag(envelopeBytes.subarray(tagStart))
    const plaintext = decipher.update(envelopeBytes.subarray(HEADER_SIZE + NONCE_SIZE, tagStart))
    decipher.final()
    return plaintext
  } catch {
    // Every cause (tag, place, key) is the same failure to the caller.
    throw new EnvelopeError()
  }
}

/** The id of the key that sealed an envelope; `undefined` when the bytes are not an envelope of a known format. */
export function keyIdOf(envelopeBytes: Uint8Array): Uint8Array | undefined {
  if (envelopeBytes[0] !== FORMAT_VERSION) return undefined
  if (envelopeBytes.length < OVERHEAD || envelopeBytes.length > OVERHEAD + MAX_PLAINTEXT_BYTES)
    return undefined
  return envelopeBytes.subarray(1, HEADER_SIZE)
}

function additionalData(envelopeBytes: Uint8Array, parts: readonly string[]): Uint8Array {
  const encoded = encodeAdditionalData(parts)
  const bytes = Buffer.allocUnsafe(HEADER_SIZE + encoded.length)
  bytes.set(envelopeBytes.subarray(0, HEADER_SIZE), 0)
  bytes.set(encoded, HEADER_SIZE)
  return bytes
}
