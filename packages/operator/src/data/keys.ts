/** Names of Secret keys: conversion of what a provider returned, and the check of what may be written. */

class KeyError extends Error {}

export type SecretData = ReadonlyMap<string, Uint8Array>

const MAX_KEY_BYTES = 253

/** Replaces what isn't a letter, number, `-`, `.` or `_`. Throws {@link KeyError} when two keys become one. */
export function convertKeys(data: SecretData, strategy: "Default" | "Unicode" = "Default"): SecretData {
  const converted = new Map<string, Uint8Array>()
  for (const [key, value] of data) {
    const name = convertKey(key, strategy)
    if (converted.has(name)) throw new KeyError(`secret name collision during conversion: ${name}`)
    converted.set(name, value)
  }
  return converted
}

function convertKey(key: string, strategy: "Default" | "Unicode"): string {
  return key.replace(/[^\p{L}\p{N}\-._]/gu, (character) =>
    strategy === "Unicode" ? `_U${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}_` : "_",
  )
}

/** Drops the empty key and throws {@link KeyError} for a key that no Secret can have. */
export function validateKeys(data: SecretData): SecretData {
  const valid = new Map(data)
  valid.delete("")
  for (const key of valid.keys()) {
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw new KeyError(
        `key has length ${Buffer.byteLength(key)} but max is ${MAX_KEY_BYTES}: (following is truncated) ${key.slice(0, MAX_KEY_BYTES)}`,
      )
    }
    const bad = /[^\p{L}\p{N}\-._]/u.exec(key)
    if (bad)
      throw new KeyError(
        `key has invalid character ${bad[0]}, only alphanumeric, '-', '.' and '_' are allowed: ${key}`,
      )
  }
  return valid
}
