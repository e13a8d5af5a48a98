import type { ErrorAnswer, ErrorCode } from "@coffer/contract"
import { DatabaseError } from "../db/index.ts"
import { AppError, type ErrorKind } from "../errors.ts"

/** The one table of statuses (contract 0.3; conflicts are 400 on compatible routes, so "conflict" is ours alone). */
const httpStatus = {
  invalid: 400,
  unprocessable: 422,
  unauthenticated: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  "rate-limited": 429,
  unavailable: 503,
} as const satisfies Record<ErrorKind, number>

/** Codes whose status says more than that of their kind. */
const statusOfCode: Partial<Record<string, number>> = {
  PayloadTooLarge: 413,
  UrlTooLong: 414,
  UnsupportedMediaType: 415,
  HeadersTooLarge: 431,
  InternalServerError: 500,
} satisfies Partial<Record<ErrorCode, number>>

export type MappedError = {
  readonly body: ErrorAnswer
  readonly retryAfterSeconds: number | undefined
  /** True when the operator of the server should hear of it. */
  readonly isOurFault: boolean
}

/** What the client is told about an error. Nothing of an unforeseen error is shown. */
export function mapError(error: unknown, requestId: string): MappedError {
  const refusal = refusalOf(error)
  if (refusal !== undefined) return mapAppError(refusal, requestId)
  const known = frameworkError(error)
  if (known !== undefined) {
    const { statusCode, code, message } = known
    return {
      body: { reqId: requestId, statusCode, message, error: code },
      retryAfterSeconds: undefined,
      isOurFault: false,
    }
  }
  return {
    body: {
      reqId: requestId,
      statusCode: 500,
      message: "Something went wrong",
      error: "InternalServerError" satisfies ErrorCode,
    },
    retryAfterSeconds: undefined,
    isOurFault: true,
  }
}

/** The refusal that an error is for the client and for the audit log; `undefined` for everything unforeseen. */
export function refusalOf(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error
  if (!isLostRace(error)) return undefined
  return new AppError(
    "conflict",
    "Conflict" satisfies ErrorCode,
    "Someone else changed this at the same time; nothing of your request was done, try again",
    { cause: error },
  )
}

/**
 * A row that another one excludes, or one that refers to nothing. Use cases look before they write and refuse in words of
 * their own: what is left is what was written between the look and the write.
 */
export function isLostRace(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && (error.kind === "unique" || error.kind === "foreign-key")
}

function mapAppError(error: AppError, requestId: string): MappedError {
  const statusCode = statusOfCode[error.code] ?? httpStatus[error.kind]
  const body = { reqId: requestId, statusCode, message: error.message, error: error.code }
  return {
    body: error.details === undefined ? body : { ...body, details: error.details },
    retryAfterSeconds: error.retryAfterSeconds,
    isOurFault: error.kind === "unavailable",
  }
}

type Known = { readonly statusCode: number; readonly code: ErrorCode; readonly message: string }

/** Errors of the HTTP framework, with sentences of our own: its messages may quote what was sent. */
function frameworkError(error: unknown): Known | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return { statusCode: 413, code: "PayloadTooLarge", message: "The body is larger than 1 MiB" }
  }
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return {
      statusCode: 415,
      code: "UnsupportedMediaType",
      message: "Send JSON, with 'content-type: application/json'",
    }
  }
  if (code === "FST_ERR_BAD_URL") {
    return { statusCode: 400, code: "BadRequest", message: "The path is not correctly percent-encoded" }
  }
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return { statusCode: 400, code: "BadRequest", message: "The request is malformed" }
  }
  return undefined
}
