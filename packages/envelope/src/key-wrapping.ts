/**
 * Keys sealed under keys. A wrapped key is an envelope whose first part is a label of its own, so that a wrapped key
 * never opens as a value, nor a value as a key.
 */
import { EnvelopeError, type KeyLookup, open, type RandomBytes, type SealingKey, seal } from "./envelope.ts"

const LABEL = "coffer/wrapped-key/1"
const MAX_KEY_SIZE = 1024

/**
 * Seals key material (up to 1024 bytes) under a wrapping key, for the place that `parts` name.
 *
 * @throws RangeError when the key is empty or too large
 */
export function wrapKey(
  wrappingKey: SealingKey,
  parts: readonly string[],
  keyBytes: Uint8Array,
  randomBytes: RandomBytes,
): Uint8Array {
  if (keyBytes.length === 0 || keyBytes.length > MAX_KEY_SIZE) {
    throw new RangeError("a key to be wrapped has 1 to 1024 bytes")
  }
  return seal(wrappingKey, [LABEL, ...parts], keyBytes, randomBytes)
}

/** @throws EnvelopeError when the wrapped key does not open here */
export function unwrapKey(
  lookupKey: KeyLookup,
  parts: readonly string[],
  wrappedBytes: Uint8Array,
): Uint8Array {
  const keyBytes = open(lookupKey, [LABEL, ...parts], wrappedBytes)
  if (keyBytes.length === 0 || keyBytes.length > MAX_KEY_SIZE) throw new EnvelopeError()
  return keyBytes
}
