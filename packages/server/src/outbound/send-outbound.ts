import type { IncomingHttpHeaders, IncomingMessage } from "node:http"
import type { RequestOptions } from "node:https"
import { type Bounds, guardedLookup, judgeUrl } from "./destination.ts"
import { OutboundError } from "./outbound-error.ts"

export type OutboundRequest = Bounds & {
  readonly method: "GET" | "POST"
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** For the whole exchange, name resolution included. */
  readonly timeoutMs: number
  /** A longer answer is an error, not a shorter answer. */
  readonly maxAnswerBytes: number
  /** PEM; instead of the authorities that the system trusts. */
  readonly caPem?: string
  readonly signal?: AbortSignal
}

export type OutboundAnswer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/**
 * Sends one request and reads the whole answer. The address is judged when the connection is made, so a name that
 * resolves to another address later gains nothing; redirects are not followed.
 *
 * @throws OutboundError whatever kept a complete answer from coming
 */
export async function sendOutbound(request: OutboundRequest): Promise<OutboundAnswer> {
  const url = judgeUrl(request.url, request)
  const limit = AbortSignal.timeout(request.timeoutMs)
  const signal = request.signal === undefined ? limit : AbortSignal.any([limit, request.signal])
  try {
    const answer = await exchange(url, request, signal)
    const { statusCode: status = 0, headers } = answer
    if (status >= 300 && status < 400 && status !== 304) {
      answer.destroy()
      throw new OutboundError("redirect", `${url.host} answered with a redirect, which is not followed`)
    }
    return { status, headers, body: await readBody(answer, url.host, request.maxAnswerBytes) }
  } catch (error) {
    throw translate(error, url.host, limit.aborted, request.timeoutMs)
  }
}

function exchange(url: URL, request: OutboundRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const options: RequestOptions = {
    method: request.method,
    headers: { "user-agent": "coffer", ...request.headers },
    lookup: guardedLookup(url.host, request),
    agent: false,
    signal,
    maxHeaderSize: 16 * 1024,
    ...(request.caPem === undefined ? {} : { ca: request.caPem }),
  }
  // An import of node:http looks at all its exports, and one of them loads Node's whole undici: some 5 MiB at start.
  const { request: send } = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http")
  return new Promise((done, fail) => {
    const sending = send(url, options, done)
    sending.once("error", fail)
    sending.end(request.body)
  })
}

async function readBody(answer: IncomingMessage, host: string, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) {
      answer.destroy()
      throw new OutboundError("too-large", `the answer of ${host} is larger than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

export function translate(error: unknown, host: string, isTimeout: boolean, timeoutMs: number): unknown {
  if (error instanceof OutboundError) return error
  if (isTimeout) {
    return new OutboundError("timeout", `${host} did not answer within ${timeoutMs} ms`, { cause: error })
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown"
  const isTls = /CERT|TLS|SSL|SIGNED|VERIFY|ALTNAME/.test(code)
  if (isTls)
    return new OutboundError("tls", `the certificate of ${host} was refused (${code})`, { cause: error })
  return new OutboundError("unreachable", `${host} can't be reached (${code})`, { cause: error })
}
