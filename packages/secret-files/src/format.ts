import { stringify } from "yaml"
import { quoteForDotenv, quoteForShell } from "./dotenv.ts"
import { type FileEntry, SecretFileError } from "./secret-file.ts"

/** As in `infisical export --format`. */
export const writableFormats = ["dotenv", "dotenv-export", "json", "csv", "yaml"] as const
export type WritableFormat = (typeof writableFormats)[number]

/**
 * The text of a file that ends with a line break, unless it is empty.
 *
 * @throws SecretFileError naming the keys that the format cannot hold
 */
export function formatSecretFile(format: WritableFormat, entries: readonly FileEntry[]): string {
  return writers[format](entries)
}

const writers: Readonly<Record<WritableFormat, (entries: readonly FileEntry[]) => string>> = {
  dotenv: (entries) => {
    requireKeys(flat(entries), /^[^\s=#'"`]+$/, "a dotenv file")
    return entries.map(({ key, value }) => `${key}=${quoteForDotenv(value)}\n`).join("")
  },
  "dotenv-export": (entries) => {
    requireKeys(flat(entries), /^[A-Za-z_][A-Za-z0-9_]*$/, "a shell script")
    const hasNul = entries.filter(({ value }) => value.includes("\u0000"))
    if (hasNul.length > 0) throw new SecretFileError(`a shell cannot hold ${namesOf(hasNul)}`)
    return entries.map(({ key, value }) => `export ${key}=${quoteForShell(value)}\n`).join("")
  },
  csv: (entries) => {
    const rows = flat(entries).map(({ key, value }) => `${cell(key)},${cell(value)}\n`)
    return ["Key,Value\n", ...rows].join("")
  },
  json: (entries) => {
    const rows = entries.map(({ path, key, value, comment }) => ({
      key,
      value,
      secretPath: path,
      comment: comment ?? "",
    }))
    return `${JSON.stringify(rows, undefined, 2)}\n`
  },
  yaml: (entries) => (entries.length === 0 ? "" : stringify(treeOf(entries), lossless)),
}

/** Blocks lose lines that hold nothing but spaces, so values are written in quotes. */
const lossless = {
  lineWidth: 0,
  blockQuote: false,
  defaultStringType: "QUOTE_DOUBLE",
  defaultKeyType: "PLAIN",
  doubleQuotedAsJSON: true,
} as const

/** Formats without folders take keys once. */
function flat(entries: readonly FileEntry[]): readonly FileEntry[] {
  const twice = entries.filter((one, index) => entries.findIndex((other) => other.key === one.key) !== index)
  if (twice.length === 0) return entries
  throw new SecretFileError(`${namesOf(twice)} is in several folders; choose json or yaml, or one folder`)
}

function requireKeys(entries: readonly FileEntry[], form: RegExp, what: string): void {
  const odd = entries.filter(({ key }) => !form.test(key))
  if (odd.length > 0) throw new SecretFileError(`${what} cannot hold the keys ${namesOf(odd)}`)
}

function namesOf(entries: readonly FileEntry[]): string {
  return [...new Set(entries.map(({ key }) => `'${key}'`))].join(", ")
}

function cell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

type Tree = Map<string, string | Tree>

function treeOf(entries: readonly FileEntry[]): Tree {
  const root: Tree = new Map()
  for (const { path, key, value } of entries) {
    let folder = root
    for (const name of path.split("/").filter((part) => part !== "")) {
      const next = folder.get(name) ?? new Map<string, string | Tree>()
      if (typeof next === "string") throw bothNamed(name)
      folder.set(name, next)
      folder = next
    }
    if (folder.has(key)) throw bothNamed(key)
    folder.set(key, value)
  }
  return root
}

function bothNamed(name: string): SecretFileError {
  return new SecretFileError(`a folder and a secret are both named '${name}'; choose json`)
}
