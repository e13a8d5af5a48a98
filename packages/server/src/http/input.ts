import type { FieldProblem } from "@coffer/contract"
import type { z } from "zod"
import { BoundedMap } from "../cache/index.ts"
import { AppError } from "../errors.ts"

const maxProblemsInMessage = 5

/**
 * The canonical form of what a client sent.
 *
 * @param place where it was sent: `query`, `body` or `params`; it prefixes the field names
 * @throws AppError "unprocessable" naming every wrong field, and none of the values
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, place: string): T {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const details = parsed.error.issues.map(
    (issue): FieldProblem => ({
      code: issue.code,
      path: issue.path.map((part) => (typeof part === "number" ? part : String(part))),
      message: issue.message,
    }),
  )
  const shown = details.slice(0, maxProblemsInMessage).map((problem) => sentence(place, problem))
  const more = details.length - shown.length
  const message = `Invalid request: ${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`
  throw new AppError("unprocessable", "ValidationFailure", message, { details })
}

function sentence(place: string, problem: FieldProblem): string {
  return `${[place, ...problem.path].join(".")}: ${problem.message}`
}

const maxRemembered = 500
const maxRememberedLength = 1_024

/**
 * As {@link parseInput} for queries, remembering the canonical form of those seen lately: operators and SDKs send the
 * same few over and over. Handlers must not change what they get.
 */
export function queryParser<T>(schema: z.ZodType<T>): (url: string, query: unknown) => T {
  const remembered = new BoundedMap<string, { readonly parsed: T }>(maxRemembered)
  return (url, query) => {
    const mark = url.indexOf("?")
    const text = mark === -1 ? "" : url.slice(mark)
    const known = remembered.get(text)
    if (known !== undefined) return known.parsed
    const parsed = parseInput(schema, query, "query")
    if (text.length <= maxRememberedLength) remembered.set(text, { parsed })
    return parsed
  }
}
