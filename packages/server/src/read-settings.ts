/** Reads settings from the environment, or from the files that `<NAME>_FILE` names. */
import { readFileSync } from "node:fs"
import { type Options, settings } from "./settings.ts"

export type Environment = Readonly<Record<string, string | undefined>>

const allNames = new Set<string>(Object.values(settings).flatMap(({ names }) => names))

/** Every setting that is set; what is wrong is added to `problems`, by name. */
export function readOptions(environment: Environment, problems: string[]): Options {
  const entries = Object.entries(settings).map(([option, { names, schema }]) => {
    const found = findSetting(environment, names, problems)
    if (found === undefined) return [option, undefined]
    const parsed = schema.safeParse(found.text)
    if (parsed.success) return [option, parsed.data]
    problems.push(`${found.name} ${parsed.error.issues[0]?.message ?? "is not valid"}`)
    return [option, undefined]
  })
  return Object.fromEntries(entries) as Options
}

/** What a setting was set to, and the variable that did. */
export type Found = { readonly name: string; readonly text: string }

/** The first of the names that is set, directly or as `<NAME>_FILE`; empty means not set. */
export function findSetting(
  environment: Environment,
  names: readonly string[],
  problems: string[],
): Found | undefined {
  for (const name of names) {
    const text = environment[name]?.trim()
    const file = environment[`${name}_FILE`]?.trim()
    const isFileOption = allNames.has(`${name}_FILE`)
    if (text !== undefined && text !== "" && file !== undefined && file !== "" && !isFileOption) {
      problems.push(`${name} and ${name}_FILE must not be set together`)
      return undefined
    }
    if (text !== undefined && text !== "") return { name, text }
    if (file !== undefined && file !== "" && !isFileOption) return readFileOf(`${name}_FILE`, file, problems)
  }
  return undefined
}

function readFileOf(name: string, path: string, problems: string[]): Found | undefined {
  try {
    return { name, text: readFileSync(path, "utf8").trim() }
  } catch {
    // The reason (absent, a folder, no permission) is for whoever looks at the path.
    problems.push(`${name} must name a file that can be read`)
    return undefined
  }
}
