/** `rewrite.merge`: the JSON objects that several keys hold become one set of keys, or one key. */
import type { RewriteMerge } from "../api/external-secret.ts"
import { encodeGoJson, type JsonValue, plainDecimal } from "../go/json-encoding.ts"
import { compareBytes } from "../go/object-hash.ts"
import type { SecretData } from "./keys.ts"

class MergeError extends Error {}

/** Merges by the operation's priority and policies. Throws {@link MergeError}, naming keys, never values. */
export function mergeObjects(operation: RewriteMerge, data: SecretData): SecretData {
  const merged = new Map<string, JsonValue>()
  const conflicts = new Set<string>()
  for (const key of mergeOrder(operation, data)) {
    for (const [name, value] of parseObject(key, data.get(key))) {
      if (merged.has(name)) conflicts.add(name)
      merged.set(name, value)
    }
  }
  if (conflicts.size > 0 && operation.conflictPolicy !== "Ignore") {
    throw new MergeError(`merge failed with conflicts: ${[...conflicts].sort(compareBytes).join(", ")}`)
  }
  return operation.strategy === "JSON" ? intoOneKey(operation, data, merged) : extracted(merged)
}

// Keys without a priority first, alphabetically; the others behind them as listed. Later ones win.
function mergeOrder(operation: RewriteMerge, data: SecretData): readonly string[] {
  const priority = operation.priority ?? []
  const missing = priority.find((key) => !data.has(key))
  if (missing !== undefined && operation.priorityPolicy !== "IgnoreNotFound") {
    throw new MergeError(`merge failed: key ${JSON.stringify(missing)} of the priority list was not found`)
  }
  const others = [...data.keys()].filter((key) => !priority.includes(key)).sort(compareBytes)
  return [...others, ...priority.filter((key) => data.has(key))]
}

function parseObject(key: string, value: Uint8Array | undefined): [string, JsonValue][] {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(value ?? []).toString("utf8"))
  } catch {
    // The parser's message would quote the value.
    throw new MergeError(`merge failed: key ${JSON.stringify(key)} does not hold valid JSON`)
  }
  if (parsed === null) return []
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    throw new MergeError(`merge failed: key ${JSON.stringify(key)} does not hold a JSON object`)
  }
  return Object.entries(parsed as Record<string, JsonValue>)
}

function extracted(merged: ReadonlyMap<string, JsonValue>): SecretData {
  return new Map([...merged].map(([key, value]) => [key, utf8(valueText(value))]))
}

function intoOneKey(
  operation: RewriteMerge,
  data: SecretData,
  merged: ReadonlyMap<string, JsonValue>,
): SecretData {
  if (!operation.into) throw new MergeError("merge failed: strategy JSON needs a key in 'into'")
  const json = encodeGoJson(Object.fromEntries(merged), { escapeHtml: false })
  return new Map(data).set(operation.into, utf8(json))
}

function valueText(value: JsonValue): string {
  if (value === null) return ""
  if (typeof value === "string") return value
  if (typeof value === "number") return plainDecimal(value)
  if (typeof value === "boolean") return String(value)
  return encodeGoJson(value, { escapeHtml: true })
}

function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"))
}
