/**
 * What `coffer secrets set` is given: `KEY=VALUE`, `KEY=@file` (the file's content), `KEY=\@text` for a
 * value that begins with `@`, and lines of a dotenv file. Errors name the key or the position, never a value.
 */
import { parseEnv } from "node:util"
import { CommandError } from "./command-error.ts"

export type Assignment = {
  readonly key: string
  readonly value:
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "file"; readonly file: string }
}

/** @throws CommandError "invalid" for an argument without "=", without a key, or a key given twice */
export function parseAssignments(args: readonly string[]): readonly Assignment[] {
  const assignments = args.map(parseAssignment)
  refuseRepeatedKeys(assignments)
  return assignments
}

/** The assignments of a dotenv file; quotes, comments and `export` as usual there. */
export function parseDotenv(content: string): readonly Assignment[] {
  return Object.entries(parseEnv(content)).map(([key, text]) => ({
    key,
    value: { kind: "text", text: text ?? "" },
  }))
}

export function refuseRepeatedKeys(assignments: readonly Assignment[]): void {
  const seen = new Set<string>()
  for (const { key } of assignments) {
    if (seen.has(key)) throw new CommandError("invalid", `${key} is given twice; give each key once`)
    seen.add(key)
  }
}

function parseAssignment(arg: string, index: number): Assignment {
  const equals = arg.indexOf("=")
  if (equals < 0) {
    // Without "=" nobody knows whether this is a key or a value, so it is not quoted.
    throw new CommandError("invalid", `argument ${index + 1} has no '='; write KEY=VALUE or KEY=@file`)
  }
  const key = arg.slice(0, equals).trim()
  if (key === "") throw new CommandError("invalid", `argument ${index + 1} has no key before '='`)
  const text = arg.slice(equals + 1)
  if (text.startsWith("@")) return { key, value: { kind: "file", file: text.slice(1) } }
  return { key, value: { kind: "text", text: text.startsWith("\\@") ? text.slice(1) : text } }
}
