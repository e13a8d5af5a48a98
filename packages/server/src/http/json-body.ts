import { AppError } from "../errors.ts"

const maxDepth = 32

/**
 * Parses a JSON body. An empty body is no body, because clients send `content-type: application/json` without one.
 *
 * @throws AppError "invalid" for anything else that is not JSON, or that nests deeper than {@link maxDepth}; the
 * parser's own message is dropped because it quotes the text
 */
export function parseJsonBody(text: string): unknown {
  if (text.trim() === "") return undefined
  if (isTooDeep(text))
    throw new AppError("invalid", "BadRequest", `The body nests deeper than ${maxDepth} levels`)
  try {
    return JSON.parse(text)
  } catch {
    // The message quotes the body, which may hold secret values.
    throw new AppError("invalid", "BadRequest", "The body is not valid JSON")
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0
  let isInString = false
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (isInString) {
      if (code === 92) index += 1
      else if (code === 34) isInString = false
    } else if (code === 34) isInString = true
    else if (code === 123 || code === 91) {
      depth += 1
      if (depth > maxDepth) return true
    } else if (code === 125 || code === 93) depth -= 1
  }
  return false
}
