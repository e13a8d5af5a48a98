import { hash, hkdfSync } from "node:crypto"
import { inspect } from "node:util"
import { type RandomBytes, unwrapKey, wrapKey } from "@coffer/envelope"

const KEY_SIZE = 32

/**
 * The key under which the keyring is kept. Its bytes don't leave this object; its fingerprint, a hash of something
 * derived from it, may be shown and stands in everything it wraps.
 */
export class RootKey {
  readonly #wrappingKeyBytes: Uint8Array
  readonly #fingerprintBytes: Uint8Array

  private constructor(keyBytes: Uint8Array) {
    this.#wrappingKeyBytes = derive(keyBytes, "coffer/root-key/wrapping/1")
    const fingerprint = hash("sha256", derive(keyBytes, "coffer/root-key/fingerprint/1"), "buffer")
    this.#fingerprintBytes = fingerprint.subarray(0, 16)
  }

  /** @throws RangeError when there are not 32 bytes */
  static fromBytes(keyBytes: Uint8Array): RootKey {
    if (keyBytes.length !== KEY_SIZE) throw new RangeError("a root key has 32 bytes")
    return new RootKey(keyBytes)
  }

  /** From text that carries enough entropy, but is not a key by itself. */
  static fromText(text: string, context: string): RootKey {
    return new RootKey(derive(Buffer.from(text, "utf8"), context))
  }

  /** Names the key without telling anything about it. */
  get fingerprint(): string {
    return fingerprintOf(this.#fingerprintBytes)
  }

  wrap(parts: readonly string[], keyBytes: Uint8Array, randomBytes: RandomBytes): Uint8Array {
    const key = { idBytes: this.#fingerprintBytes, keyBytes: this.#wrappingKeyBytes }
    return wrapKey(key, parts, keyBytes, randomBytes)
  }

  /** @throws EnvelopeError when it was wrapped by another root key, or elsewhere */
  unwrap(parts: readonly string[], wrappedBytes: Uint8Array): Uint8Array {
    return unwrapKey(() => this.#wrappingKeyBytes, parts, wrappedBytes)
  }

  toString(): string {
    return `[root key ${this.fingerprint}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

/** The fingerprint as people see it. */
export function fingerprintOf(fingerprintBytes: Uint8Array): string {
  return Buffer.from(fingerprintBytes).toString("hex").slice(0, 16)
}

/** HKDF with SHA-256 to a 32-byte key. */
export function derive(keyBytes: Uint8Array, context: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", keyBytes, new Uint8Array(), context, KEY_SIZE))
}
