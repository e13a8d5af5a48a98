/**
 * Authenticated encryption of values: bytes in, bytes out. What an envelope looks like, how it is sealed, opened
 * and bound to its place lives here; which key to use, where keys are stored and what a value means does not.
 */
export { encodeAdditionalData } from "./additional-data.ts"
export {
  EnvelopeError,
  type KeyLookup,
  keyIdOf,
  MAX_PLAINTEXT_BYTES,
  open,
  type RandomBytes,
  type SealingKey,
  seal,
} from "./envelope.ts"
export { unwrapKey, wrapKey } from "./key-wrapping.ts"
