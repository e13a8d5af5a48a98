/**
 * HTTP to one API server: connections, credentials, time-outs, repeats, errors. Knows no resource.
 *
 * HTTP/1.1 on purpose: a watch has its own connection, so a slow watcher cannot hold up writes through shared flow
 * control, and a dead connection fails one call instead of all.
 */
import { Pool } from "undici"
import { type Clock, type Random, sleep } from "./clock.ts"
import type { ClusterConfig } from "./cluster-config.ts"
import { createDeadline } from "./deadline.ts"
import { KubeApiError, KubeTransportError } from "./errors.ts"
import { readJsonLines } from "./json-lines.ts"
import type { RuntimeMetrics } from "./metrics.ts"
import type { RateLimiter } from "./rate-limit.ts"
import { describe, toApiError, transportError } from "./transport-errors.ts"

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE"

export interface Call {
  readonly method: Method
  readonly path: string
  readonly query?: Query | undefined
  readonly body?: object | undefined
  readonly contentType?: string | undefined
  readonly accept?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface StreamEvents {
  readonly idleTimeoutMs: () => number
  /** The server accepted the request; its stream begins. */
  readonly onOpen?: (() => void) | undefined
}

export interface TransportOptions {
  readonly clock: Clock
  readonly random: Random
  readonly metrics: RuntimeMetrics
  readonly limiter: RateLimiter
  readonly userAgent: string
  readonly timeoutMs: number
  readonly maxConnections: number
  readonly maxRetries: number
}

const MAX_RETRY_AFTER_MS = 60_000
const MAX_WATCH_LINE_BYTES = 64 * 1024 * 1024
const KEEP_ALIVE_MS = 30_000

type PoolResponse = Awaited<ReturnType<Pool["request"]>>

export class Transport {
  readonly #config: ClusterConfig
  readonly #options: TransportOptions
  readonly #calls: Pool
  readonly #streams: Pool
  readonly #basePath: string

  constructor(config: ClusterConfig, options: TransportOptions) {
    this.#config = config
    this.#options = options
    const { origin, pathname } = new URL(config.server)
    this.#basePath = pathname.replace(/\/+$/, "")
    this.#calls = new Pool(origin, { ...connectionOptions(config), connections: options.maxConnections })
    this.#streams = new Pool(origin, { ...connectionOptions(config), bodyTimeout: 0 })
  }

  /** One call and its repeats; resolves with the parsed body. */
  async call<R>(call: Call): Promise<R> {
    let refreshed = false
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt<R>(call, refreshed)
      if (outcome.ok) return outcome.value
      const { error } = outcome
      if (error instanceof KubeApiError && error.isUnauthorized && this.#config.readToken && !refreshed) {
        refreshed = true
        continue
      }
      const pauseMs =
        attempt < this.#options.maxRetries ? this.#pauseBeforeRepeat(call, error, attempt) : undefined
      if (pauseMs === undefined) throw error
      await sleep(this.#options.clock, pauseMs, call.signal)
      call.signal?.throwIfAborted()
    }
  }

  /**
   * One call whose answer is a stream of JSON lines. Ends when the server ends it or the signal fires; throws
   * KubeTransportError when the connection breaks or nothing arrives for `idleTimeoutMs()`, asked after each arrival.
   */
  async *stream(call: Call, events: StreamEvents): AsyncGenerator<unknown> {
    const { clock, timeoutMs } = this.#options
    using connect = createDeadline(clock, call.timeoutMs ?? timeoutMs, call.signal)
    try {
      const response = await this.#open(call, this.#streams, { signal: connect.signal })
      if (response.statusCode >= 300) throw toApiError(response, await response.body.text())
      connect[Symbol.dispose]()
      events.onOpen?.()
      yield* this.#readStream(response, call, events.idleTimeoutMs)
    } catch (error) {
      if (call.signal?.aborted) return
      if (error instanceof KubeApiError || error instanceof KubeTransportError) throw error
      throw transportError(call, error, connect.expired)
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#calls.destroy(), this.#streams.destroy()])
  }

  async *#readStream(
    response: PoolResponse,
    call: Call,
    idleTimeoutMs: () => number,
  ): AsyncGenerator<unknown> {
    let idle = false
    let cancel = () => {}
    const rearm = () => {
      cancel()
      cancel = this.#options.clock.schedule(idleTimeoutMs(), () => {
        idle = true
        response.body.destroy(new Error("idle"))
      })
    }
    const leave = () => response.body.destroy()
    call.signal?.addEventListener("abort", leave, { once: true })
    try {
      if (call.signal?.aborted) return
      rearm()
      yield* readJsonLines(watched(response.body, rearm), MAX_WATCH_LINE_BYTES)
    } catch (error) {
      if (idle)
        throw new KubeTransportError(`${describe(call)}: nothing arrived for too long`, { cause: error })
      throw error
    } finally {
      cancel()
      call.signal?.removeEventListener("abort", leave)
      response.body.destroy()
    }
  }

  async #attempt<R>(
    call: Call,
    freshToken: boolean,
  ): Promise<{ ok: true; value: R } | { ok: false; error: Error }> {
    const { clock, limiter, timeoutMs } = this.#options
    await limiter.acquire(call.signal)
    call.signal?.throwIfAborted()
    using deadline = createDeadline(clock, call.timeoutMs ?? timeoutMs, call.signal)
    try {
      const response = await this.#open(call, this.#calls, { signal: deadline.signal, freshToken })
      const text = await response.body.text()
      if (response.statusCode >= 300) return { ok: false, error: toApiError(response, text) }
      return { ok: true, value: parseBody<R>(call, text) }
    } catch (error) {
      if (call.signal?.aborted && !deadline.expired) throw call.signal.reason
      return { ok: false, error: transportError(call, error, deadline.expired) }
    }
  }

  async #open(
    call: Call,
    pool: Pool,
    how: { signal: AbortSignal; freshToken?: boolean },
  ): Promise<PoolResponse> {
    const headers: Record<string, string> = {
      accept: call.accept ?? "application/json",
      "user-agent": this.#options.userAgent,
    }
    if (call.body) headers["content-type"] = call.contentType ?? "application/json"
    if (this.#config.readToken) {
      headers["authorization"] = `Bearer ${await this.#config.readToken({ fresh: how.freshToken ?? false })}`
    }
    const response = await pool.request({
      method: call.method,
      path: this.#basePath + call.path + queryText(call.query),
      headers,
      body: call.body ? JSON.stringify(call.body) : null,
      signal: how.signal,
      reset: false, // undici would otherwise drop the connection after a DELETE that has a body, as ours have
    })
    const labels = { method: call.method, code: String(response.statusCode) }
    this.#options.metrics.increment("rest_client_requests_total", labels)
    return response
  }

  /** How long to wait before trying again; undefined if it must not be repeated. */
  #pauseBeforeRepeat(call: Call, error: Error, attempt: number): number | undefined {
    const jitter = 1 + this.#options.random() / 2
    const growingMs = 100 * 2 ** attempt * jitter
    if (error instanceof KubeTransportError) {
      const mayHelp = !error.timedOut && !error.untrusted
      return error.neverSent || (call.method === "GET" && mayHelp) ? growingMs : undefined
    }
    if (!(error instanceof KubeApiError)) return undefined
    const { retryAfterMs } = error
    if (retryAfterMs !== undefined && retryAfterMs > MAX_RETRY_AFTER_MS) return undefined
    // 429 means that the server did not begin; 5xx may come from half-way, so only what can be repeated is.
    if (error.isTooManyRequests) return retryAfterMs === undefined ? growingMs : retryAfterMs * jitter
    if (call.method === "GET" && [502, 503, 504].includes(error.status)) return retryAfterMs ?? growingMs
    const isRepeatable = call.method !== "POST" && !call.contentType?.startsWith("application/json-patch")
    if (error.status >= 500 && retryAfterMs !== undefined && isRepeatable) return retryAfterMs * jitter
    return undefined
  }
}

function connectionOptions(config: ClusterConfig): Pool.Options {
  const client = config.readClientCertificate?.()
  return {
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    connect: {
      timeout: 10_000,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      ...(config.certificateAuthority === undefined ? {} : { ca: config.certificateAuthority }),
      ...(config.insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
      ...(config.tlsServerName === undefined ? {} : { servername: config.tlsServerName }),
      ...(client ? { cert: client.certificate, key: client.key } : {}),
    },
  }
}

async function* watched(body: AsyncIterable<Uint8Array>, onChunk: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    onChunk()
    yield chunk
  }
}

function queryText(query: Query | undefined): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== "") parameters.set(name, String(value))
  }
  const text = parameters.toString()
  return text === "" ? "" : `?${text}`
}

function parseBody<R>(call: Call, text: string): R {
  if (text === "") return undefined as R
  try {
    return JSON.parse(text) as R
  } catch {
    // Plain-text end points (/readyz, /version of proxies); the caller's type says what it expects.
    if (call.accept !== undefined && !call.accept.includes("json")) return text as R
    throw new SyntaxError("the answer is not JSON")
  }
}
