/**
 * Dotenv files. There is no standard; this is what the common readers agree on, but strict: they drop or bend lines that
 * they do not understand, which loses secrets.
 *
 *   line    = blank | "#" anything | [ "export" space ] key "=" value [ comment ]
 *   key     = everything up to "=", without white space, quotes or "#"
 *   value   = 'literal' | `literal` | "text with \n \r \t \" \\ \$" | text up to the end of the line or " #"
 *
 * Quoted values may span lines. Nothing is expanded.
 */
import { type FileEntry, SecretFileError } from "./secret-file.ts"

const start = /[ \t]*(?:export[ \t]+)?([^\s=#'"`]+)[ \t]*=[ \t]*/y
const nothing = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y
const literals: Readonly<Record<string, RegExp>> = { "'": /'([^']*)'/y, "`": /`([^`]*)`/y }
const escaped = /"((?:[^"\\]|\\[\s\S])*)"/y
const plain = /[^\n]*/y

/** @throws SecretFileError with the line that is no assignment, or whose quote is not closed */
export function parseDotenv(content: string): readonly FileEntry[] {
  const text = content.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n")
  const entries: FileEntry[] = []
  const lineOf = lineCounter(text)
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match !== null) at = pattern.lastIndex
    return match
  }
  while (at < text.length) {
    if (take(nothing) !== null) continue
    const line = lineOf(at)
    const key = take(start)?.[1]
    if (key === undefined) throw new SecretFileError(`line ${line} is no KEY=VALUE`)
    const quote = text[at] ?? ""
    if (quote !== '"' && literals[quote] === undefined) {
      const value = (take(plain)?.[0] ?? "").replace(/(^|\s)#.*$/, "").trim()
      entries.push({ path: "/", key, value })
      continue
    }
    const quoted = take(literals[quote] ?? escaped)
    if (quoted === null) throw new SecretFileError(`line ${line}: the quote of ${key} is not closed`)
    if (take(nothing) === null) throw new SecretFileError(`line ${line}: text follows the quote of ${key}`)
    entries.push({
      path: "/",
      key,
      value: quote === '"' ? withoutEscapes(quoted[1] ?? "") : (quoted[1] ?? ""),
    })
  }
  return entries
}

/** Tells the line of one position after the other, without beginning anew each time. */
function lineCounter(text: string): (at: number) => number {
  let line = 1
  let next = text.indexOf("\n")
  return (at) => {
    while (next !== -1 && next < at) {
      line += 1
      next = text.indexOf("\n", next + 1)
    }
    return line
  }
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  '"': '"',
  "\\": "\\",
  $: "$",
}

function withoutEscapes(text: string): string {
  return text.replace(/\\([\s\S])/g, (whole, character: string) => escapes[character] ?? whole)
}

/** A value as every common reader understands it, as long as one kind of quotes is not in it. */
export function quoteForDotenv(value: string): string {
  const isLiteral = !value.includes("\r")
  if (isLiteral && !value.includes("'")) return `'${value}'`
  if (isLiteral && !value.includes("`")) return `\`${value}\``
  const text = value.replace(/["\\$]/g, "\\$&")
  return `"${text.replaceAll("\n", "\\n").replaceAll("\r", "\\r")}"`
}

/** A value as a POSIX shell takes it literally. */
export function quoteForShell(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`
}
