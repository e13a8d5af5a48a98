import type { FieldProblem } from "@coffer/contract"
import type { z } from "zod"
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
