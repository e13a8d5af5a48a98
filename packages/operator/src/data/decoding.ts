/** What happens to a value between the provider and the Secret: decoding, and the check for null bytes. */
import { decodeBase64 } from "../go/base64.ts"
import type { SecretData } from "./keys.ts"

export type DecodingStrategy = "Auto" | "Base64" | "Base64URL" | "None"

class DecodingError extends Error {}

/** Decodes one value. `Auto` tries both alphabets and keeps what is neither. Throws {@link DecodingError}. */
export function decodeValue(strategy: DecodingStrategy | undefined, value: Uint8Array): Uint8Array {
  if (strategy === "Base64" || strategy === "Base64URL") {
    const decoded = decodeBase64(value, strategy === "Base64" ? "standard" : "url")
    if (!decoded) throw new DecodingError("illegal base64 data")
    return decoded
  }
  if (strategy === "Auto") return decodeBase64(value, "standard") ?? decodeBase64(value, "url") ?? value
  return value
}

/** Decodes every value; the error names the key, never the value. */
export function decodeValues(strategy: DecodingStrategy | undefined, data: SecretData): SecretData {
  const decoded = new Map<string, Uint8Array>()
  for (const [key, value] of data) {
    try {
      decoded.set(key, decodeValue(strategy, value))
    } catch (cause) {
      if (!(cause instanceof DecodingError)) throw cause
      throw new DecodingError(`failure decoding key ${JSON.stringify(key)}: ${cause.message}`, { cause })
    }
  }
  return decoded
}

/** Throws when the policy forbids null bytes and the value has one. */
export function checkNullBytes(policy: "Ignore" | "Fail" | undefined, key: string, value: Uint8Array): void {
  if (policy === "Fail" && value.includes(0)) {
    throw new DecodingError(
      `fetched secret value for key ${JSON.stringify(key)} contains null bytes; decode it or set nullBytePolicy to Ignore`,
    )
  }
}
