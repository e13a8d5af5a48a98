/**
 * The path language of `property`: parts joined by `.` or `|`. A part is a key (`*` and `?` are wildcards, `\`
 * escapes), an index, `#` (count, or every element when more follows), `#(query)` (first match), `#(query)#`
 * (all matches), or a modifier such as `@this`.
 */

export type PathPart =
  | { readonly kind: "key"; readonly name: string; readonly pattern: RegExp | undefined }
  | { readonly kind: "each" }
  | { readonly kind: "query"; readonly query: Query; readonly all: boolean }
  | { readonly kind: "modifier"; readonly name: string }

export type Query = {
  readonly path: string
  readonly operator: "=" | "!=" | "<" | "<=" | ">" | ">=" | "%" | "!%" | undefined
  readonly operand: string
}

export type Step = { readonly part: PathPart; readonly rest: string; readonly piped: boolean }

/** Takes the first part off a path. `piped` tells whether the rest follows a `|` instead of a `.`. */
export function nextStep(path: string): Step {
  if (path.startsWith("#")) return arrayStep(path)
  const end = separatorIndex(path, 0)
  const text = path.slice(0, end)
  return { part: parsePart(text), rest: path.slice(end + 1), piped: path.charAt(end) === "|" }
}

function arrayStep(path: string): Step {
  if (path.charAt(1) !== "(") {
    const end = separatorIndex(path, 0)
    return { part: { kind: "each" }, rest: path.slice(end + 1), piped: path.charAt(end) === "|" }
  }
  const close = closingParenthesis(path, 1)
  const all = path.charAt(close + 1) === "#"
  const end = separatorIndex(path, close + 1)
  const query = parseQuery(path.slice(2, close).trim())
  return { part: { kind: "query", query, all }, rest: path.slice(end + 1), piped: path.charAt(end) === "|" }
}

function separatorIndex(path: string, from: number): number {
  for (let index = from; index < path.length; index++) {
    if (path.charAt(index) === "\\") index++
    else if (path.charAt(index) === "." || path.charAt(index) === "|") return index
  }
  return path.length
}

function closingParenthesis(path: string, open: number): number {
  let depth = 0
  for (let index = open; index < path.length; index++) {
    const character = path.charAt(index)
    if (character === "\\") index++
    else if (character === '"') index = closingQuote(path, index)
    else if (character === "(" || character === "[") depth++
    else if ((character === ")" || character === "]") && --depth === 0) return index
  }
  return path.length
}

function closingQuote(text: string, open: number): number {
  for (let index = open + 1; index < text.length; index++) {
    if (text.charAt(index) === "\\") index++
    else if (text.charAt(index) === '"') return index
  }
  return text.length
}

function parsePart(text: string): PathPart {
  if (text.startsWith("@")) return { kind: "modifier", name: text.slice(1) }
  const name = text.replace(/\\(.)/gsu, "$1")
  const isPattern = /[*?]/.test(text.replace(/\\./gsu, ""))
  return { kind: "key", name, pattern: isPattern ? wildcard(text) : undefined }
}

/** A pattern with `*` (any run) and `?` (one character) as a regular expression; `\` escapes. */
export function wildcard(pattern: string): RegExp {
  const source = pattern.replace(/\\(.)|[\s\S]/gu, (token: string, escaped?: string) => {
    if (token === "*") return "[^]*"
    if (token === "?") return "[^]"
    return RegExp.escape(escaped ?? token)
  })
  return new RegExp(`^${source}$`, "u")
}

function parseQuery(text: string): Query {
  const start = operatorIndex(text)
  const operator = /^(?:!=|!%|<=|>=|==|[=<>%])/.exec(text.slice(start))?.[0]
  if (operator === undefined) return { path: text, operator: undefined, operand: "" }
  return {
    path: text.slice(0, start).trim(),
    operator: operator === "==" ? "=" : (operator as Query["operator"]),
    operand: text.slice(start + operator.length).trim(),
  }
}

function operatorIndex(text: string): number {
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index)
    if (character === "\\") index++
    else if (character === '"') index = closingQuote(text, index)
    else if (character === "(") depth++
    else if (character === ")") depth--
    else if (depth === 0 && /[!=<>%]/.test(character)) return index
  }
  return text.length
}
