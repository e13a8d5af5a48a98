/** Turns the contract's error body into an {@link ApiError}. */
import { ApiError, type ApiErrorKind } from "./api-error.ts"

export type ErrorAnswer = {
  readonly status: number
  /** The parsed JSON body, or `undefined` when there was none. */
  readonly body: unknown
  readonly retryAfterSeconds: number | undefined
  /** For the message when the body says nothing: "GET /api/v1/projects". */
  readonly call: string
  /** Whether the call carried a token. */
  readonly hadToken: boolean
}

const kindByStatus: ReadonlyMap<number, ApiErrorKind> = new Map([
  [400, "invalid"],
  [401, "unauthenticated"],
  [403, "forbidden"],
  [404, "not-found"],
  [408, "unavailable"],
  [409, "conflict"],
  [413, "invalid"],
  [422, "invalid"],
  [429, "rate-limited"],
  [502, "unavailable"],
  [503, "unavailable"],
  [504, "unavailable"],
])

/**
 * The contract has no 409: an object that exists already is a 400 whose text says so. Callers need
 * the difference, so the wording of the contract is recognised here and nowhere else.
 */
const CONFLICT_TEXT = /\balready (?:exists?|been set up|configured|a member|has|in use)\b|\balready exist\b/i

export function toApiError(answer: ErrorAnswer): ApiError {
  const body = isRecord(answer.body) ? answer.body : {}
  const message = readMessage(body) ?? `${answer.call} was answered with ${answer.status}`
  const code = typeof body["error"] === "string" ? body["error"] : `Http${answer.status}`
  return new ApiError(message, {
    kind: kindOf(answer.status, code, message),
    status: answer.status,
    code,
    hadToken: answer.hadToken,
    requestId: typeof body["reqId"] === "string" ? body["reqId"] : undefined,
    details: body["details"],
    retryAfterSeconds: answer.retryAfterSeconds,
  })
}

/** To a token that the server never issued the contract answers 403, as if the caller were known. */
const UNKNOWN_TOKEN_CODE = "TokenError"

function kindOf(status: number, code: string, message: string): ApiErrorKind {
  if (status === 403 && code === UNKNOWN_TOKEN_CODE) return "unauthenticated"
  if (status === 400 && CONFLICT_TEXT.test(message)) return "conflict"
  return kindByStatus.get(status) ?? "unexpected"
}

/** The text of the answer; a 422 of older servers has an array of issues in its place. */
function readMessage(body: Record<string, unknown>): string | undefined {
  const message = body["message"]
  if (typeof message === "string" && message !== "") return message
  if (Array.isArray(message)) return message.map(readIssue).join("; ")
  return undefined
}

function readIssue(issue: unknown): string {
  if (!isRecord(issue)) return "invalid input"
  const path = Array.isArray(issue["path"]) ? issue["path"].join(".") : ""
  const text = typeof issue["message"] === "string" ? issue["message"] : "is invalid"
  return path === "" ? text : `${path}: ${text}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
