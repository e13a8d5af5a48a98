import type { IncomingMessage } from "node:http"
import { AppError } from "../errors.ts"
import { limits } from "./limits.ts"

/**
 * Judges a request by its first line and headers, before anything of its body is read: what is wrong with it, or
 * `undefined`. Texts name the limit, never what was sent.
 */
export function problemOfHead(raw: IncomingMessage): AppError | undefined {
  if (raw.rawHeaders.length > limits.headers * 2) {
    return new AppError("invalid", "HeadersTooLarge", `Send at most ${limits.headers} headers`)
  }
  const encoding = raw.headers["content-encoding"]
  if (encoding !== undefined && encoding !== "identity") {
    const message = "Compressed bodies are not accepted: send the body without 'content-encoding'"
    return new AppError("invalid", "UnsupportedMediaType", message)
  }
  return problemOfUrl(raw.url ?? "/")
}

/** Dot segments and NUL never reach a route: names are decoded exactly once, and nothing resolves paths later. */
function problemOfUrl(url: string): AppError | undefined {
  if (url.length > limits.urlLength) {
    const message = `The URL is longer than ${limits.urlLength} characters`
    return new AppError("invalid", "UrlTooLong", message)
  }
  const mark = url.indexOf("?")
  const path = mark === -1 ? url : url.slice(0, mark)
  if (/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path)) {
    return new AppError("invalid", "BadRequest", "The path must not contain '.' or '..' segments")
  }
  if (path.includes("%00")) return new AppError("invalid", "BadRequest", "The path must not contain NUL")
  if (mark !== -1 && hasTooManyParameters(url, mark)) {
    const message = `The query has more than ${limits.queryParameters} parameters`
    return new AppError("invalid", "BadRequest", message)
  }
  return undefined
}

function hasTooManyParameters(url: string, mark: number): boolean {
  let count = 1
  for (let at = url.indexOf("&", mark); at !== -1; at = url.indexOf("&", at + 1)) count += 1
  return count > limits.queryParameters
}
