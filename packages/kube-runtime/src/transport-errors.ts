import { KubeApiError, type KubeStatus, KubeTransportError } from "./errors.ts"

interface Answer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

interface Request {
  readonly method: string
  readonly path: string
}

/** What an answer above 299 means. Quotes the server's own Status or a short plain text, never anything else. */
export function toApiError(response: Answer, text: string): KubeApiError {
  const header = Number(headerText(response.headers["retry-after"]) ?? Number.NaN)
  const status = parseStatus(text, headerText(response.headers["content-type"]))
  const seconds = Number.isFinite(header) && header >= 0 ? header : status.details?.retryAfterSeconds
  return new KubeApiError(response.statusCode, status, {
    retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
  })
}

function parseStatus(text: string, contentType: string | undefined): KubeStatus {
  if (contentType?.includes("json")) {
    try {
      const body: unknown = JSON.parse(text)
      if (isStatus(body)) return body
    } catch {
      // Not the server's own Status: the HTTP code has to do.
    }
  }
  const isShortText = contentType?.startsWith("text/plain") && text.length <= 300
  return isShortText ? { message: text.trim() } : {}
}

function isStatus(body: unknown): body is KubeStatus {
  return typeof body === "object" && body !== null && "kind" in body && body.kind === "Status"
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
])

/** The codes of OpenSSL and Node for certificates and handshakes that do not fit. */
const UNTRUSTED = /CERT|^ERR_TLS|^ERR_SSL|^UNABLE_TO_/

/** What it means that there was no answer, or only half of one. */
export function transportError(call: Request, cause: unknown, timedOut: boolean): KubeTransportError {
  const code = errorCode(cause)
  const reason = timedOut
    ? "no answer in time"
    : (code ?? (cause instanceof Error ? cause.message : "failed"))
  return new KubeTransportError(`${describe(call)}: ${reason}`, {
    cause,
    timedOut,
    untrusted: code !== undefined && UNTRUSTED.test(code),
    neverSent: code !== undefined && NEVER_SENT.has(code),
  })
}

function errorCode(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0])
  const isCoded = error instanceof Error && "code" in error && typeof error.code === "string"
  return isCoded ? String(error.code) : undefined
}

/** Names a request in messages, without its query. */
export function describe(call: Request): string {
  return `${call.method} ${call.path}`
}
