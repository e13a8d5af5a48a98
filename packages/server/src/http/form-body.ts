import type { FastifyRequest } from "fastify"
import { AppError } from "../errors.ts"
import { limits } from "./limits.ts"

declare module "fastify" {
  interface FastifyContextConfig {
    /** Its body may also be a web form. */
    acceptsForms?: boolean
  }
}

export const formType = "application/x-www-form-urlencoded"

/**
 * Reads a body as a web form, on the few routes where that is allowed: those whose only credential is in the body, and
 * which set no cookie. A browser says from which page a form comes, and those are refused: that page has no business
 * here.
 *
 * @throws AppError "invalid" on all other routes, and for a form with too many fields or with a field twice
 */
export function parseFormBody(request: FastifyRequest, text: string): unknown {
  const isAllowed = request.routeOptions.config.acceptsForms === true && request.headers.origin === undefined
  if (!isAllowed) {
    throw new AppError("invalid", "UnsupportedMediaType", "Send JSON, with 'content-type: application/json'")
  }
  const fields = [...new URLSearchParams(text)]
  if (fields.length > limits.queryParameters) {
    throw new AppError("invalid", "BadRequest", `The form has more than ${limits.queryParameters} fields`)
  }
  const form = new Map(fields)
  if (form.size < fields.length) throw new AppError("invalid", "BadRequest", "The form has a field twice")
  return Object.fromEntries(form)
}
