/**
 * Looks a path up in JSON text, as `remoteRef.property` does. Lenient like the original: text before the first
 * object or array is skipped and broken documents give what can be read. Multipaths, literals and JSON lines
 * are not part of this subset.
 */
import { plainDecimal } from "../go/json-encoding.ts"
import { nextStep, type PathPart, type Query, wildcard } from "./path.ts"
import { decodeString, elements, firstContainer, members, type RawValue } from "./scan.ts"

/** The value at `path`, as text: strings decoded, numbers in plain decimal, null empty, the rest as written. */
export function getText(json: string, path: string): string | undefined {
  const found = get(json, path)
  return found && valueText(found)
}

/** The value at `path` with the text it was written in, or `undefined` when there is none. */
export function get(json: string, path: string): RawValue | undefined {
  if (path === "") return undefined
  const root = firstContainer(json)
  return root && resolve(root, path)
}

/** A found value as text. */
function valueText(value: RawValue): string {
  if (value.kind === "string") return decodeString(value.raw)
  if (value.kind === "null") return ""
  if (value.kind === "number") return /^-?\d+$/.test(value.raw) ? value.raw : plainDecimal(Number(value.raw))
  return value.raw
}

function resolve(value: RawValue, path: string): RawValue | undefined {
  if (path === "") return value
  const step = nextStep(path)
  if (step.part.kind === "each" || (step.part.kind === "query" && step.part.all)) {
    return resolveMany(value, step.part, step.rest, step.piped)
  }
  const next = resolvePart(value, step.part)
  return next && resolve(next, step.rest)
}

// After `#` a dotted rest applies to every element; a piped rest applies to the resulting array.
function resolveMany(
  value: RawValue,
  part: PathPart & { kind: "each" | "query" },
  rest: string,
  piped: boolean,
): RawValue | undefined {
  if (value.kind !== "array") return undefined
  const items = [...elements(value.raw)]
  if (part.kind === "each" && (rest === "" || piped)) {
    return resolve({ kind: "number", raw: String(items.length) }, rest)
  }
  const chosen = part.kind === "query" ? items.filter((item) => matches(item, part.query)) : items
  if (rest === "" || piped) return resolve(arrayOf(chosen), rest)
  const pipe = pipeIndex(rest)
  const perItem = chosen
    .map((item) => resolve(item, rest.slice(0, pipe)))
    .filter((item): item is RawValue => item !== undefined)
  return resolve(arrayOf(perItem), rest.slice(pipe + 1))
}

function pipeIndex(path: string): number {
  const index = path.search(/(?<!\\)\|/)
  return index < 0 ? path.length : index
}

function arrayOf(items: readonly RawValue[]): RawValue {
  return { kind: "array", raw: `[${items.map((item) => item.raw).join(",")}]` }
}

function resolvePart(value: RawValue, part: PathPart): RawValue | undefined {
  if (part.kind === "modifier") return modify(value, part.name)
  if (part.kind === "query") {
    return value.kind === "array" ? elements(value.raw).find((item) => matches(item, part.query)) : undefined
  }
  if (part.kind !== "key") return undefined
  if (value.kind === "array") return elementAt(value.raw, part.name)
  if (value.kind !== "object") return undefined
  const { name, pattern } = part
  return members(value.raw).find(({ key }) => (pattern ? pattern.test(key) : key === name))?.value
}

function elementAt(arrayRaw: string, name: string): RawValue | undefined {
  if (!/^\d+$/.test(name)) return undefined
  return elements(arrayRaw).drop(Number(name)).next().value
}

function modify(value: RawValue, name: string): RawValue | undefined {
  if (name === "this") return value
  if (name === "keys" || name === "values") {
    if (value.kind !== "object") return name === "values" && value.kind === "array" ? value : undefined
    return arrayOf(
      [...members(value.raw)].map((member) =>
        name === "values" ? member.value : { kind: "string", raw: JSON.stringify(member.key) },
      ),
    )
  }
  if (name === "reverse" && value.kind === "array") return arrayOf([...elements(value.raw)].reverse())
  if (name === "tostr") return { kind: "string", raw: JSON.stringify(value.raw) }
  return undefined
}

function matches(item: RawValue, query: Query): boolean {
  const isContainer = item.kind === "object" || item.kind === "array"
  const value = query.path === "" ? item : isContainer ? resolve(item, query.path) : undefined
  if (!value || query.operator === undefined) return value !== undefined
  const operand = query.operand.startsWith('"') ? decodeString(query.operand) : query.operand
  if (value.kind === "string") return compareStrings(decodeString(value.raw), query.operator, operand)
  if (value.kind === "number") return compareOrder(Number(value.raw), query.operator, Number(operand))
  if (value.kind === "true" || value.kind === "false") {
    return compareOrder(value.kind === "true" ? 1 : 0, query.operator, operand === "true" ? 1 : 0)
  }
  return false
}

function compareStrings(left: string, operator: Query["operator"], right: string): boolean {
  if (operator === "%") return wildcard(right).test(left)
  if (operator === "!%") return !wildcard(right).test(left)
  return compareOrder(left, operator, right)
}

function compareOrder<T extends string | number>(left: T, operator: Query["operator"], right: T): boolean {
  if (operator === "=") return left === right
  if (operator === "!=") return left !== right
  if (operator === "<") return left < right
  if (operator === "<=") return left <= right
  if (operator === ">") return left > right
  return operator === ">=" && left >= right
}
