/**
 * JSON as Go's `encoding/json` decodes it into a struct, for tests that stand in for Go clients: a number must be
 * written as an integer where the field is one, null and absence leave the zero value, names match in any case, and
 * a time must be RFC 3339. What Go refuses throws {@link GoDecodeError}.
 */

export type GoType =
  | "string"
  | "int"
  | "bool"
  | "time"
  | readonly [GoType]
  | { readonly [field: string]: GoType }

export type GoValue<T> = T extends "string" | "time"
  ? string
  : T extends "int"
    ? number
    : T extends "bool"
      ? boolean
      : T extends readonly [infer Item]
        ? readonly GoValue<Item>[]
        : { readonly [Field in keyof T]: GoValue<T[Field]> }

/** What `json.Unmarshal` would have returned as its error. */
export class GoDecodeError extends Error {}

/** A number as it was written: `1` and `1.0` are different to Go. */
class GoNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** Decodes `text` into a value of `type`. */
export function decodeGo<const T extends GoType>(type: T, text: string): GoValue<T> {
  const revive = (_: string, value: unknown, { source }: { readonly source?: string }) =>
    typeof value === "number" ? new GoNumber(source ?? "") : value
  const json: unknown = (JSON.parse as (text: string, revive: unknown) => unknown)(text, revive)
  return decode(type, json, "") as GoValue<T>
}

/** The zero value, which a Go client works with when it decoded nothing. */
export function zeroGo<const T extends GoType>(type: T): GoValue<T> {
  return decode(type, null, "") as GoValue<T>
}

function decode(type: GoType, json: unknown, at: string): unknown {
  if (type === "string" || type === "time" || type === "int" || type === "bool")
    return decodeScalar(type, json, at)
  if (isList(type)) {
    if (json === null) return []
    if (!Array.isArray(json)) throw mismatch(json, "array", at)
    return json.map((item, index) => decode(type[0], item, `${at}[${index}]`))
  }
  if (json !== null && (typeof json !== "object" || Array.isArray(json) || json instanceof GoNumber))
    throw mismatch(json, "struct", at)
  const fields = Object.entries(type)
  const value = Object.fromEntries(fields.map(([field, inner]) => [field, decode(inner, null, at)]))
  for (const [key, member] of Object.entries(json ?? {})) {
    const field =
      fields.find(([name]) => name === key) ??
      fields.find(([name]) => name.toLowerCase() === key.toLowerCase())
    if (field !== undefined) value[field[0]] = decode(field[1], member, `${at}.${key}`)
  }
  return value
}

function decodeScalar(type: "string" | "time" | "int" | "bool", json: unknown, at: string): unknown {
  const zero = { string: "", time: "0001-01-01T00:00:00Z", int: 0, bool: false }
  if (json === null) return zero[type]
  if (type === "int") {
    if (!(json instanceof GoNumber) || !/^-?\d+$/.test(json.text)) throw mismatch(json, "int", at)
    return Number(json.text)
  }
  if (type === "bool") {
    if (typeof json !== "boolean") throw mismatch(json, "bool", at)
    return json
  }
  if (typeof json !== "string") throw mismatch(json, "string", at)
  if (type === "time" && !rfc3339.test(json)) throw new GoDecodeError(`parsing time "${json}" at ${at}`)
  return json
}

function isList(type: GoType): type is readonly [GoType] {
  return Array.isArray(type)
}

function mismatch(json: unknown, wanted: string, at: string): GoDecodeError {
  const got = json instanceof GoNumber ? `number ${json.text}` : Array.isArray(json) ? "array" : typeof json
  return new GoDecodeError(`cannot unmarshal ${got} into Go value at ${at} of type ${wanted}`)
}
