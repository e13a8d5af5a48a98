/**
 * The grammar of references inside values (contract 3.4). Pure.
 *
 *   ${KEY}                     the folder of the secret that holds the text
 *   ${env.KEY}                 the root folder of an environment
 *   ${env.a.b.KEY}             folder /a/b of that environment
 *   ${a.b.KEY}                 folder /a/b of the same environment, where no environment is called `a`
 *   ${project-slug::env.KEY}   another project of the organization
 *
 * A backslash before a dot makes the dot part of a name. What has another form is plain text.
 */

/** A reference as it is written. */
export type Reference = {
  /** The slug of another project; `undefined` for this one. */
  readonly project: string | undefined
  /** The names before the key: none, or an environment and folders, or folders alone. */
  readonly names: readonly string[]
  readonly key: string
}

/** A value as a sequence of plain texts and references. */
export type Template = readonly (string | Reference)[]

const pattern = /\$\{((?:[A-Za-z0-9_\-.:]|\\\.)+)\}/g

/** Cheap test that is true for every value with references, and for few others. */
export function mayHaveReferences(value: string): boolean {
  return value.includes("${")
}

/** The parts of a value, in order; joined again with each reference in its braces they give the value. */
export function parseTemplate(value: string): Template {
  if (!mayHaveReferences(value)) return [value]
  const parts: (string | Reference)[] = []
  let from = 0
  for (const match of value.matchAll(pattern)) {
    const reference = parseReference(match[1] ?? "")
    if (reference === undefined) continue
    if (match.index > from) parts.push(value.slice(from, match.index))
    parts.push(reference)
    from = match.index + match[0].length
  }
  if (from < value.length || parts.length === 0) parts.push(value.slice(from))
  return parts
}

/** The references of a value, in the order of the text. */
export function referencesOf(value: string): readonly Reference[] {
  return parseTemplate(value).filter((part) => typeof part !== "string")
}

/** `undefined` when a name is empty, or when a colon stands elsewhere than twice behind a project's slug. */
function parseReference(inner: string): Reference | undefined {
  const mark = inner.indexOf("::")
  const project = mark === -1 ? undefined : inner.slice(0, mark)
  const address = mark === -1 ? inner : inner.slice(mark + 2)
  if (address.includes(":")) return undefined
  if (project !== undefined && !/^[A-Za-z0-9_-]+$/.test(project)) return undefined
  const names = address.split(/(?<!\\)\./).map((name) => name.replaceAll("\\.", "."))
  if (names.some((name) => name === "")) return undefined
  if (project !== undefined && names.length < 2) return undefined
  return { project, names: names.slice(0, -1), key: names[names.length - 1] ?? "" }
}
