/** What the server said when it said no, and what that means for a secret. */
import type { ApiCall } from "./api-call.ts"

export type ServerMessage = {
  readonly message?: string
  readonly requestId?: string
  readonly error?: string
}

const MAX_MESSAGE_LENGTH = 500

/** The server answered with an error status. The text holds names and the server's own message, never a body. */
export class ApiError extends Error {
  override readonly name = "APIError"
  readonly status: number
  readonly serverMessage: string | undefined
  readonly serverError: string | undefined

  constructor(call: Pick<ApiCall, "name" | "method" | "url">, status: number, said: ServerMessage) {
    const parts = [`[${call.method} ${call.url}]`, `[status-code=${status}]`]
    if (said.requestId) parts.push(`[reqId=${said.requestId}]`)
    if (said.message) parts.push(`[message=${JSON.stringify(said.message)}]`)
    super(`APIError: ${call.name} unsuccessful response ${parts.join(" ")}`)
    this.status = status
    this.serverMessage = said.message
    this.serverError = said.error
  }

  /** The token is no longer accepted; a new login may help. */
  get isTokenRefused(): boolean {
    return this.status === 401 || (this.status === 403 && this.serverError === "TokenError")
  }

  /**
   * The secret itself is missing. A missing project, environment or folder is also a 404 but not this: with
   * `deletionPolicy: Delete` a typo in a slug would otherwise delete Secrets.
   */
  get isSecretMissing(): boolean {
    return this.status === 404 && SECRET_MISSING.test(this.serverMessage ?? "")
  }
}

const SECRET_MISSING = /^secret (?:with (?:name|key|id) .*)?(?:was |is |does )?not (?:found|exist)/is

/** Picks the message out of an error body; of a list of problems only field names and texts. */
export function messageOf(body: unknown): ServerMessage {
  if (typeof body !== "object" || body === null) return {}
  const { message, reqId, error } = body as { message?: unknown; reqId?: unknown; error?: unknown }
  const text =
    typeof message === "string" ? message : Array.isArray(message) ? problemsText(message) : undefined
  return {
    ...(text ? { message: text.slice(0, MAX_MESSAGE_LENGTH) } : {}),
    ...(typeof reqId === "string" ? { requestId: reqId } : {}),
    ...(typeof error === "string" ? { error } : {}),
  }
}

function problemsText(problems: readonly unknown[]): string {
  return problems
    .map((problem) => {
      const { path, message } = (problem ?? {}) as { path?: unknown; message?: unknown }
      const field = Array.isArray(path) ? path.join(".") : ""
      return `${field}: ${typeof message === "string" ? message : "invalid"}`
    })
    .join("; ")
}

/** The pause that a `Retry-After` header asks for: seconds or a date. */
export function retryAfterMsOf(header: string | string[] | undefined, nowMs: number): number | undefined {
  const text = Array.isArray(header) ? header[0] : header
  if (!text) return undefined
  if (/^\d+$/.test(text.trim())) return Number(text) * 1_000
  const dateMs = Date.parse(text)
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs)
}
