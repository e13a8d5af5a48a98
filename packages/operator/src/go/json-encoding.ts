/** JSON and numbers as Go's encoders write them: keys sorted by bytes, `<>&` escaped on request, no white space. */
import { compareBytes } from "./object-hash.ts"

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

/** Compact JSON with sorted keys. `escapeHtml` writes `<`, `>` and `&` as `\u003c` and the like. */
export function encodeGoJson(value: JsonValue, options: { readonly escapeHtml: boolean }): string {
  if (typeof value === "string") return encodeString(value, options.escapeHtml)
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : JSON.stringify(value)
  if (value === null || typeof value === "boolean") return String(value)
  if (Array.isArray(value)) return `[${value.map((item) => encodeGoJson(item, options)).join(",")}]`
  const members = Object.entries(value as Record<string, JsonValue>).sort(([a], [b]) => compareBytes(a, b))
  return `{${members
    .map(([key, member]) => `${encodeString(key, options.escapeHtml)}:${encodeGoJson(member, options)}`)
    .join(",")}}`
}

function encodeString(text: string, escapeHtml: boolean): string {
  const json = JSON.stringify(text.toWellFormed()).replace(/[\u2028\u2029]/g, escapeCharacter)
  return escapeHtml ? json.replace(/[<>&]/g, escapeCharacter) : json
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
}

/** A float in plain decimal digits, shortest form, never with an exponent (Go's format 'f', precision -1). */
export function plainDecimal(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(value.toExponential())
  if (!match) return String(value)
  const sign = Object.is(value, -0) ? "-" : (match[1] ?? "")
  const digits = `${match[2]}${match[3] ?? ""}`
  const point = 1 + Number(match[4])
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`
  if (point >= digits.length) return `${sign}${digits}${"0".repeat(point - digits.length)}`
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}
