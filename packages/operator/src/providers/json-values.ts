/** What all providers do alike with a value that holds JSON. */

import { JsonObjectError, splitJsonObject } from "../data/json-object.ts"
import type { SecretData } from "../data/keys.ts"
import { getText } from "../gjson/get.ts"

/** The property of a value as text, or `undefined` if the value has no such property. */
export function propertyOf(value: Uint8Array, property: string): Uint8Array | undefined {
  const text = getText(Buffer.from(value).toString("utf8"), property)
  return text === undefined ? undefined : new Uint8Array(Buffer.from(text, "utf8"))
}

/** The members of a JSON object as keys; the error names the secret, never its value. */
export function membersOf(key: string, value: Uint8Array): SecretData {
  try {
    return splitJsonObject(Buffer.from(value).toString("utf8"))
  } catch (cause) {
    if (!(cause instanceof JsonObjectError)) throw cause
    throw new JsonObjectError(`unable to unmarshal secret ${key}: ${cause.message}`, { cause })
  }
}
