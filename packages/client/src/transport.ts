/**
 * One HTTP call: time limit, bounded retries, the answer checked against its schema. Paths here begin
 * after the base URL. Nothing of a request body or a token is ever put into an error.
 */
import { setTimeout as sleepFor } from "node:timers/promises"
import { ApiError } from "./api-error.ts"
import { toApiError } from "./error-mapper.ts"
import { type FailedTry, nextDelayMs, parseRetryAfter, type RetryPolicy } from "./retry.ts"

/** The part of a schema that the transport needs. */
export type AnswerSchema<T> = {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: T }
    | { readonly success: false; readonly error: { readonly issues: readonly AnswerIssue[] } }
}
type AnswerIssue = { readonly path: readonly PropertyKey[] }

export type Call<T> = {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE"
  /** Already percent-encoded, beginning with "/api/". */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly schema: AnswerSchema<T>
  /** Logins and the like carry their credential in the body and no token. */
  readonly anonymous?: boolean
  /** Ends the call early; the time limit holds besides. */
  readonly signal?: AbortSignal | undefined
}

export type TransportOptions = {
  readonly baseUrl: string
  /** The access token, read anew for every try. */
  readonly token: () => string | undefined
  readonly fetch: typeof fetch
  /** Limit of one try, body included. */
  readonly timeoutMs: number
  readonly retry: RetryPolicy
  readonly userAgent: string
  /** Spreads retries; in [0, 1). */
  readonly random: () => number
  readonly signal: AbortSignal | undefined
}

/** A body too large to be held in memory. */
export type Upload<T> = Pick<Call<T>, "path" | "query" | "headers" | "schema"> & {
  readonly body: ReadableStream<Uint8Array>
}

export interface Transport {
  /** @throws ApiError for every way a call can fail; the reason of `signal` when the caller aborted it */
  call<T>(call: Call<T>): Promise<T>
  /** The body of an answer while it arrives. Only the time until it begins is limited; it is tried once. */
  download(of: Pick<Call<unknown>, "path" | "query">): Promise<ReadableStream<Uint8Array>>
  /** Sends a body while it is made, and reads the answer after it. Takes as long as that takes; it is tried once. */
  upload<T>(of: Upload<T>): Promise<T>
}

type Answer = {
  readonly status: number
  readonly body: unknown
  readonly retryAfterSeconds: number | undefined
}
type TryResult =
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "no-answer"; readonly error: ApiError }

export function createTransport(options: TransportOptions): Transport {
  return {
    call: (call) => callWithRetries(options, call),
    download: (of) => download(options, of),
    upload: (of) => upload(options, of),
  }
}

async function download(
  options: TransportOptions,
  of: Pick<Call<unknown>, "path" | "query">,
): Promise<ReadableStream<Uint8Array>> {
  const call = { ...of, method: "GET" as const, schema: anything }
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(new DOMException("", "TimeoutError")), options.timeoutMs)
  try {
    const response = await fetchOnce(options, call, { signal: patience.signal })
    if (!isSuccess(response.status))
      throw failure(options, call, { kind: "answer", answer: await answerOf(response) })
    return response.body ?? ReadableStream.from<Uint8Array>([])
  } finally {
    clearTimeout(timer)
  }
}

async function upload<T>(options: TransportOptions, of: Upload<T>): Promise<T> {
  const headers = { "content-type": "application/octet-stream", ...of.headers }
  const call = { ...of, method: "POST" as const, body: undefined, headers }
  const response = await fetchOnce(options, call, { body: of.body, duplex: "half" })
  const answer = await answerOf(response)
  if (!isSuccess(answer.status)) throw failure(options, call, { kind: "answer", answer })
  return parseAnswer(call, answer.body)
}

const anything: AnswerSchema<unknown> = { safeParse: (data) => ({ success: true, data }) }

/** @throws ApiError when there is no answer; the reason of the caller's signal when it was aborted */
async function fetchOnce(
  options: TransportOptions,
  call: Call<unknown>,
  more: {
    readonly body?: ReadableStream<Uint8Array>
    readonly duplex?: "half"
    readonly signal?: AbortSignal
  },
): Promise<Response> {
  const signals = [options.signal, more.signal].filter((signal) => signal !== undefined)
  try {
    return await options.fetch(buildUrl(options.baseUrl, call), {
      method: call.method,
      headers: buildHeaders(options, call),
      redirect: "error",
      ...more,
      signal: AbortSignal.any(signals),
    } as RequestInit)
  } catch (error) {
    options.signal?.throwIfAborted()
    throw unreachable(options, error)
  }
}

async function answerOf(response: Response): Promise<Answer> {
  return {
    status: response.status,
    body: parseJson(await response.text()),
    retryAfterSeconds: parseRetryAfter(response.headers.get("retry-after")),
  }
}

async function callWithRetries<T>(options: TransportOptions, call: Call<T>): Promise<T> {
  const signals = [options.signal, call.signal].filter((signal) => signal !== undefined)
  const cancelled = AbortSignal.any(signals)
  for (let retriesDone = 0; ; retriesDone += 1) {
    const result = await tryOnce(options, call, cancelled)
    if (result.kind === "answer" && isSuccess(result.answer.status)) {
      return parseAnswer(call, result.answer.body)
    }
    const delayMs = isIdempotent(call)
      ? nextDelayMs(options.retry, failedTry(result), retriesDone, options.random())
      : undefined
    if (delayMs === undefined) throw failure(options, call, result)
    await sleepFor(delayMs, undefined, { signal: cancelled })
  }
}

/** Only reads: a write whose answer was lost may have been carried out. */
function isIdempotent(call: Call<unknown>): boolean {
  return call.method === "GET"
}

async function tryOnce(
  options: TransportOptions,
  call: Call<unknown>,
  cancelled: AbortSignal,
): Promise<TryResult> {
  const timeout = AbortSignal.timeout(options.timeoutMs)
  try {
    const response = await options.fetch(buildUrl(options.baseUrl, call), {
      method: call.method,
      headers: buildHeaders(options, call),
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      redirect: "error",
      signal: AbortSignal.any([timeout, cancelled]),
    })
    return { kind: "answer", answer: await answerOf(response) }
  } catch (error) {
    cancelled.throwIfAborted()
    return { kind: "no-answer", error: unreachable(options, error) }
  }
}

function buildUrl(baseUrl: string, call: Call<unknown>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) query.set(name, String(value))
  }
  return query.size === 0 ? `${baseUrl}${call.path}` : `${baseUrl}${call.path}?${query}`
}

function buildHeaders(options: TransportOptions, call: Call<unknown>): Record<string, string> {
  const token = tokenOf(options, call)
  return {
    accept: "application/json",
    "user-agent": options.userAgent,
    ...(call.body === undefined ? {} : { "content-type": "application/json" }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...call.headers,
  }
}

function tokenOf(options: TransportOptions, call: Call<unknown>): string | undefined {
  return call.anonymous === true ? undefined : options.token()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON: the schema or the error mapper says what that means
  }
}

function parseAnswer<T>(call: Call<T>, body: unknown): T {
  const parsed = call.schema.safeParse(body)
  if (parsed.success) return parsed.data
  const fields = parsed.error.issues.map((issue) => issue.path.map(String).join(".") || "(body)")
  throw new ApiError(
    `${describeCall(call)} was answered with something else than expected, at ${fields.slice(0, 5).join(", ")}; is this a Coffer or Infisical server?`,
    { kind: "unexpected", code: "UnexpectedAnswer", details: { fields } },
  )
}

function failedTry(result: TryResult): FailedTry {
  if (result.kind === "no-answer") return { kind: "no-answer" }
  return {
    kind: "answer",
    status: result.answer.status,
    retryAfterSeconds: result.answer.retryAfterSeconds,
  }
}

function failure(options: TransportOptions, call: Call<unknown>, result: TryResult): ApiError {
  if (result.kind === "no-answer") return result.error
  const hadToken = tokenOf(options, call) !== undefined
  return toApiError({ ...result.answer, call: describeCall(call), hadToken })
}

function unreachable(options: TransportOptions, error: unknown): ApiError {
  const timedOut = error instanceof DOMException && error.name === "TimeoutError"
  const reason = timedOut ? `no answer within ${options.timeoutMs} ms` : networkReason(error)
  return new ApiError(
    `cannot reach ${options.baseUrl}: ${reason}`,
    { kind: "unavailable", code: timedOut ? "Timeout" : "Unreachable" },
    { cause: error },
  )
}

/** The code of the system error ("ECONNREFUSED"), which fetch hides in the cause. */
function networkReason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code
  return cause instanceof Error ? cause.message : "network error"
}

function describeCall(call: Call<unknown>): string {
  return `${call.method} ${call.path}`
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}
