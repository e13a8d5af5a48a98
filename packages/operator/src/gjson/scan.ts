/**
 * A lenient scanner over JSON text that keeps every value as the text it was written in (white space, `1.0` and
 * big numbers survive). It never fails: what isn't there is `undefined`. Strictness is the caller's business.
 */

export type JsonKind = "string" | "number" | "true" | "false" | "null" | "object" | "array"
export type RawValue = { readonly kind: JsonKind; readonly raw: string }
export type RawMember = { readonly key: string; readonly value: RawValue }

const KIND_BY_FIRST: Readonly<Record<string, JsonKind>> = {
  '"': "string",
  "{": "object",
  "[": "array",
  t: "true",
  f: "false",
  n: "null",
}

/** The first object or array in the text; whatever stands before it is skipped. */
export function firstContainer(text: string): RawValue | undefined {
  const start = text.search(/[{[]/)
  return start < 0 ? undefined : valueAt(text, start)?.value
}

/** The members of an object, in the order written, duplicates included. */
export function* members(objectRaw: string): Generator<RawMember> {
  let position = 1
  while (position < objectRaw.length) {
    const quote = objectRaw.indexOf('"', position)
    if (quote < 0) return
    const key = stringAt(objectRaw, quote)
    const colon = objectRaw.indexOf(":", quote + key.length)
    if (colon < 0) return
    const found = valueAt(objectRaw, colon + 1)
    if (!found) return
    yield { key: decodeString(key), value: found.value }
    position = found.end
  }
}

/** The elements of an array, in order. */
export function* elements(arrayRaw: string): Generator<RawValue> {
  let position = 1
  for (;;) {
    const found = valueAt(arrayRaw, position)
    if (!found) return
    yield found.value
    position = found.end
  }
}

/** Decodes a JSON string literal; lone surrogates become U+FFFD and broken escapes stay as written. */
export function decodeString(literal: string): string {
  try {
    return (JSON.parse(literal) as string).toWellFormed()
  } catch {
    // Not valid JSON: scanned leniently, so shown as it stands, without its quotes.
    return literal.replace(/^"|"$/g, "")
  }
}

function valueAt(text: string, from: number): { value: RawValue; end: number } | undefined {
  const offset = text.slice(from).search(/[^\s,]/)
  if (offset < 0) return undefined
  const start = from + offset
  const first = text.charAt(start)
  if (first === "}" || first === "]") return undefined
  const kind = KIND_BY_FIRST[first] ?? (/[-+.\dNI]/.test(first) ? "number" : undefined)
  if (!kind) return undefined
  const raw = rawAt(text, start, kind)
  return { value: { kind, raw }, end: start + raw.length }
}

function rawAt(text: string, start: number, kind: JsonKind): string {
  if (kind === "string") return stringAt(text, start)
  if (kind === "object" || kind === "array") return containerAt(text, start)
  return /^[^\s,\]}:]+/.exec(text.slice(start))?.[0] ?? ""
}

function stringAt(text: string, start: number): string {
  for (let index = start + 1; index < text.length; index++) {
    const character = text.charAt(index)
    if (character === "\\") index++
    else if (character === '"') return text.slice(start, index + 1)
  }
  return text.slice(start)
}

function containerAt(text: string, start: number): string {
  let depth = 0
  for (let index = start; index < text.length; index++) {
    const character = text.charAt(index)
    if (character === '"') index += stringAt(text, index).length - 1
    else if (character === "{" || character === "[") depth++
    else if ((character === "}" || character === "]") && --depth === 0) return text.slice(start, index + 1)
  }
  return text.slice(start)
}
