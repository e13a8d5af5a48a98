/** A JSON object as Secret keys: strings decoded, null empty, everything else with the text it was written in. */
import { decodeString, members } from "../gjson/scan.ts"
import type { SecretData } from "./keys.ts"

export class JsonObjectError extends Error {}

/** Splits the text of a JSON object. The text `null` gives no keys; throws {@link JsonObjectError} for anything else. */
export function splitJsonObject(text: string): SecretData {
  const document = text.trim()
  const parsed = parseStrictly(document)
  if (parsed === null) return new Map()
  if (typeof parsed !== "object" || Array.isArray(parsed))
    throw new JsonObjectError("the value is not a JSON object")
  const data = new Map<string, Uint8Array>()
  for (const { key, value } of members(document)) data.set(key, utf8(memberText(value.kind, value.raw)))
  return data
}

// The parser's own message quotes the document, which is a secret: it must not travel.
function parseStrictly(document: string): unknown {
  try {
    return JSON.parse(document)
  } catch {
    throw new JsonObjectError("the value is not valid JSON")
  }
}

function memberText(kind: string, raw: string): string {
  if (kind === "string") return decodeString(raw)
  return kind === "null" ? "" : raw
}

function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"))
}
