/**
 * SHA3-224 over Go's `%+v` rendering of a value: the hash under which target Secrets, owners and synced versions
 * are remembered in the cluster. It must be bit-exact, or taking over a running cluster rewrites every Secret.
 *
 * Grammar of the rendering: nil `<nil>`; strings raw; byte slices `[1 2 3]`; maps `map[k:v k:v]` sorted by the
 * bytes of the key; lists `[a b]`; structs `{name:v name:v}` in field order.
 */
import { createHash } from "node:crypto"

/** A value that can be rendered. A `Map` keeps struct field order; a plain object is a Go map (sorted keys). */
export type GoValue =
  | null
  | undefined
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | readonly GoValue[]
  | ReadonlyMap<string, GoValue>
  | { readonly [key: string]: GoValue }

/** Compares two strings as Go does: by the bytes of their UTF-8 form. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"))
}

/** Renders a value the way Go's `fmt` prints it with `%+v`. */
export function renderGoValue(value: GoValue): string {
  if (value === null || value === undefined) return "<nil>"
  if (typeof value === "string") return value
  if (typeof value === "number") return renderNumber(value)
  if (typeof value === "bigint" || typeof value === "boolean") return String(value)
  if (value instanceof Uint8Array) return `[${value.join(" ")}]`
  if (Array.isArray(value)) return `[${value.map(renderGoValue).join(" ")}]`
  if (value instanceof Map) return `{${renderEntries([...value])}}`
  const entries = Object.entries(value as Record<string, GoValue>)
  return `map[${renderEntries(entries.sort(([a], [b]) => compareBytes(a, b)))}]`
}

function renderEntries(entries: readonly (readonly [string, GoValue])[]): string {
  return entries.map(([key, member]) => `${key}:${renderGoValue(member)}`).join(" ")
}

// Go prints integers plainly and floats with %v: shortest form, exponent of at least two digits from 1e21 on.
function renderNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return Object.is(value, -0) ? "-0" : String(value)
  return String(value).replace(/e([+-])(\d)$/, "e$10$2")
}

/** The lower-case hex SHA3-224 of the rendering of `value`. */
export function objectHash(value: GoValue): string {
  return createHash("sha3-224").update(renderGoValue(value), "utf8").digest("hex")
}
