/**
 * HTTP to one kind of server: JSON in and out, 30 s for a whole call, a bound on the answer, no redirects (so no
 * request ever goes to another host), and a pause per host after it said 429.
 */
import { createHash } from "node:crypto"
import { rootCertificates } from "node:tls"
import type { Clock } from "@coffer/kube-runtime"
import { Agent, type Dispatcher, request } from "undici"
import { ProviderBusyError } from "../provider.ts"
import type { ApiCall } from "./api-call.ts"
import { ApiError, messageOf, retryAfterMsOf } from "./api-error.ts"

export type ApiAnswer = {
  readonly status: 200 | 304
  readonly etag: string | undefined
  readonly body: unknown
}

/** Told about every call that was made: the seam for metrics. */
export type CallObserver = (call: { readonly name: string; readonly outcome: "success" | "error" }) => void

export type HttpOptions = { readonly clock: Clock; readonly onCall?: CallObserver }

export interface Http {
  /** Throws {@link ApiError} for an answer that isn't a success, {@link ProviderBusyError} while the host wants a pause. */
  call(call: ApiCall): Promise<ApiAnswer>
  close(): Promise<void>
}

const CALL_TIMEOUT_MS = 30_000
const MAX_BODY_BYTES = 64 * 1024 * 1024
const MAX_AGENTS = 64
const MAX_PAUSES = 1_000
const DEFAULT_PAUSE_MS = 10_000
const MAX_PAUSE_MS = 10 * 60_000

export function createHttp(options: HttpOptions): Http {
  const agents = new Map<string, Agent>()
  const pausedUntilMs = new Map<string, number>()

  const refusePaused = (call: ApiCall, host: string) => {
    const waitMs = (pausedUntilMs.get(host) ?? 0) - options.clock.nowMs()
    if (waitMs > 0) throw new ProviderBusyError(`${call.name}: ${host} asked for a pause`, waitMs)
  }

  const pause = (call: ApiCall, host: string, response: Dispatcher.ResponseData): never => {
    const asked = retryAfterMsOf(response.headers["retry-after"], options.clock.nowMs()) ?? DEFAULT_PAUSE_MS
    const waitMs = Math.min(Math.max(asked, 1_000), MAX_PAUSE_MS)
    if (pausedUntilMs.size >= MAX_PAUSES) pausedUntilMs.clear()
    pausedUntilMs.set(host, options.clock.nowMs() + waitMs)
    throw new ProviderBusyError(`${call.name}: ${host} answered 429, too many requests`, waitMs)
  }

  const send = async (call: ApiCall): Promise<ApiAnswer> => {
    const host = new URL(call.url).host
    refusePaused(call, host)
    const response = await exchange(call, agentFor(agents, call.ca))
    const body = await readBody(response, call)
    if (response.statusCode === 429) pause(call, host, response)
    if (response.statusCode === 304) return { status: 304, etag: call.ifNoneMatch, body: undefined }
    if (response.statusCode < 200 || response.statusCode > 299)
      throw new ApiError(call, response.statusCode, messageOf(body))
    if (body === undefined)
      throw new ApiError(call, response.statusCode, { message: "the answer is not JSON" })
    const etag = response.headers["etag"]
    return { status: 200, etag: typeof etag === "string" ? etag : undefined, body }
  }

  return {
    async call(call) {
      try {
        const answer = await send(call)
        options.onCall?.({ name: call.name, outcome: "success" })
        return answer
      } catch (error) {
        options.onCall?.({ name: call.name, outcome: "error" })
        throw error
      }
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
      agents.clear()
    },
  }
}

async function exchange(call: ApiCall, dispatcher: Agent): Promise<Dispatcher.ResponseData> {
  try {
    return await request(call.url, {
      method: call.method,
      dispatcher,
      headers: {
        "user-agent": "coffer-operator",
        accept: "application/json",
        ...(call.token ? { authorization: `Bearer ${call.token}` } : {}),
        ...(call.body ? { "content-type": "application/json" } : {}),
        ...(call.ifNoneMatch ? { "if-none-match": call.ifNoneMatch } : {}),
      },
      body: call.body ? JSON.stringify(call.body) : null,
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    })
  } catch (cause) {
    throw noAnswer(call, cause)
  }
}

async function readBody(response: Dispatcher.ResponseData, call: ApiCall): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_BODY_BYTES) throw new Error(`the answer is larger than ${MAX_BODY_BYTES} bytes`)
      chunks.push(chunk)
    }
  } catch (cause) {
    throw noAnswer(call, cause)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"))
  } catch {
    // The parser's message would quote the body, which may hold values.
    return undefined
  }
}

function noAnswer(call: ApiCall, cause: unknown): Error {
  const isTimeout = cause instanceof Error && cause.name === "TimeoutError"
  const reason = isTimeout ? `no answer within ${CALL_TIMEOUT_MS / 1_000} s` : causeText(cause)
  return new Error(`${call.name} failed [${call.method} ${new URL(call.url).origin}]: ${reason}`, { cause })
}

function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return "no connection"
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : cause.name
  return cause.message ? `${code}: ${cause.message}` : code
}

function agentFor(agents: Map<string, Agent>, ca: string | undefined): Agent {
  const key = ca === undefined ? "" : createHash("sha256").update(ca).digest("hex")
  const known = agents.get(key)
  if (known) return known
  if (agents.size >= MAX_AGENTS) closeOldest(agents)
  const agent = new Agent({
    connections: 8,
    connect: { timeout: 10_000, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) },
  })
  agents.set(key, agent)
  return agent
}

function closeOldest(agents: Map<string, Agent>): void {
  const [key, agent] = agents.entries().next().value ?? []
  if (key === undefined || !agent) return
  agents.delete(key)
  void agent.close()
}
