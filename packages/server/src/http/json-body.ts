import secureJson from "secure-json-parse"
import { AppError } from "../errors.ts"
import { limits } from "./limits.ts"

/**
 * Parses a JSON body. An empty body is no body, because clients send `content-type: application/json` without one. Of a
 * member that is sent twice the last one counts; nothing else reads the body, so nobody can have judged the first.
 *
 * @throws AppError "invalid" for anything else that is not JSON, that is deeper or has more values than `limits` allow,
 * or that names `__proto__`; the parser's own message is dropped because it quotes the text
 */
export function parseJsonBody(text: string): unknown {
  if (text.trim() === "") return undefined
  const problem = problemOfShape(text)
  if (problem !== undefined) throw new AppError("invalid", "BadRequest", problem)
  try {
    return secureJson.parse(text, null, { protoAction: "error", constructorAction: "error" })
  } catch {
    // The message quotes the body, which may hold secret values.
    throw new AppError("invalid", "BadRequest", "The body is not valid JSON, or has a '__proto__' member")
  }
}

const quote = 34
const comma = 44
const openBracket = 91
const backslash = 92
const closeBracket = 93
const openBrace = 123
const closeBrace = 125

/** Counts without parsing: a parser would have built the whole tree before anybody could look at it. */
function problemOfShape(text: string): string | undefined {
  let depth = 0
  let values = 1
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === quote) index = endOfString(text, index)
    else if (code === comma) values += 1
    else if (code === openBrace || code === openBracket) {
      depth += 1
      values += 1
      if (depth > limits.jsonDepth) return `The body nests deeper than ${limits.jsonDepth} levels`
    } else if (code === closeBrace || code === closeBracket) depth -= 1
    if (values > limits.jsonValues) return `The body has more than ${limits.jsonValues} values`
  }
  return undefined
}

/** The index of the quote that ends the string which starts at `start`; the end of the text if none does. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes += 1
    if (escapes % 2 === 0) return end
  }
  return text.length
}
