import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml"
import { parseDotenv } from "./dotenv.ts"
import { below, type FileEntry, SecretFileError } from "./secret-file.ts"

export const readableFormats = ["dotenv", "json", "yaml"] as const
export type ReadableFormat = (typeof readableFormats)[number]

/**
 * The secrets of a file, in its order.
 *
 * @throws SecretFileError when the file has another form, or holds a key twice
 */
export function parseSecretFile(format: ReadableFormat, content: string): readonly FileEntry[] {
  const entries = format === "dotenv" ? parseDotenv(content) : parseTree(format, content)
  const seen = new Set<string>()
  for (const { path, key } of entries) {
    const place = below(path, key)
    if (seen.has(place)) throw new SecretFileError(`'${place.slice(1)}' is given twice`)
    seen.add(place)
  }
  return entries
}

function parseTree(format: "json" | "yaml", content: string): readonly FileEntry[] {
  if (format === "json") requireJson(content)
  const document = parseYaml(format, content)
  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null)) return []
  if (isMap(root)) return entriesOfMap(document, root, "/")
  if (isSeq(root)) return root.items.map((item, index) => entryOfItem(document, item as Node, index))
  throw new SecretFileError(`the file is no ${format === "json" ? "JSON object" : "YAML mapping"}`)
}

/** YAML is more than JSON: what is called JSON shall be JSON. The parser's message would quote the file. */
function requireJson(content: string): void {
  try {
    JSON.parse(content)
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1]
    const line = position === undefined ? undefined : content.slice(0, Number(position)).split("\n").length
    throw new SecretFileError(`the file is no valid JSON${line === undefined ? "" : ` (line ${line})`}`)
  }
}

function parseYaml(format: string, content: string): Document.Parsed {
  try {
    const lines = new LineCounter()
    // The library compares each key with all others, which takes minutes where we need a moment.
    const document = parseDocument(content, { uniqueKeys: false, prettyErrors: true, lineCounter: lines })
    const [problem] = document.errors
    if (problem !== undefined) {
      const line = problem.linePos?.[0].line
      const where = line === undefined ? "the file" : `line ${line}`
      throw new SecretFileError(`${where}: no valid ${format.toUpperCase()}`)
    }
    requireUniqueKeys(document, lines)
    return document
  } catch (error) {
    if (error instanceof SecretFileError) throw error
    throw new SecretFileError(`the file is no valid ${format.toUpperCase()}`)
  }
}

function requireUniqueKeys(document: Document.Parsed, lines: LineCounter): void {
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value)) {
          const { line } = lines.linePos(key.range?.[0] ?? 0)
          throw new SecretFileError(`line ${line}: a key is given twice`)
        }
        seen.add(key.value)
      }
    },
  })
}

function entriesOfMap(document: Document, map: YAMLMap, path: string): readonly FileEntry[] {
  return map.items.flatMap((pair): readonly FileEntry[] => {
    const key = isScalar(pair.key) ? String(pair.key.source ?? pair.key.value) : ""
    if (key === "") throw new SecretFileError(`a key in '${path}' is no text`)
    const value = pair.value as Node | null
    if (isMap(value)) return entriesOfMap(document, value, below(path, key))
    return [{ path, key, value: textOf(document, value, key) }]
  })
}

/** Text as it was written: a number keeps its zeros, a list becomes JSON. */
function textOf(document: Document, node: Node | null, key: string): string {
  if (node === null) return ""
  if (isAlias(node)) throw new SecretFileError(`${key} is an alias of another value; write it out`)
  if (isScalar(node)) {
    if (node.value === null) return ""
    return typeof node.value === "string" ? node.value : (node.source ?? String(node.value))
  }
  visit(node, {
    Alias: () => {
      throw new SecretFileError(`${key} holds an alias of another value; write it out`)
    },
  })
  return JSON.stringify(node.toJS(document, { maxAliasCount: 0 }))
}

/** One element of what `infisical export --format json` writes. */
function entryOfItem(document: Document, item: Node, index: number): FileEntry {
  const fieldOf = (name: string): string | undefined => {
    const node = isMap(item) ? (item.get(name, true) as Node | undefined) : undefined
    return node === undefined ? undefined : textOf(document, node, name)
  }
  const [key, value] = [fieldOf("key"), fieldOf("value")]
  if (key === undefined || key === "" || value === undefined) {
    throw new SecretFileError(`element ${index + 1} of the list is no object with 'key' and 'value'`)
  }
  const path = fieldOf("secretPath")
  const comment = fieldOf("comment")
  return {
    path: path === undefined || path === "" ? "/" : path,
    key,
    value,
    ...(comment === undefined || comment === "" ? {} : { comment }),
  }
}
