/**
 * Requests over a real socket, byte for byte as a client writes them: its headers, its encoding of the path, its
 * order of query parameters, a body with DELETE. Nothing here knows the server.
 */
import { request } from "node:http"
import { gunzipSync } from "node:zlib"
import { decodeGo, type GoType, type GoValue, zeroGo } from "./go-json.ts"

export type Reply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly text: string
}

export type Sending = {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

/** One exchange; `target` goes on the wire as it is. */
export function exchange(
  origin: string,
  method: string,
  target: string,
  { headers = {}, body }: Sending = {},
): Promise<Reply> {
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const sent = request({
      hostname,
      port,
      method,
      path: target,
      agent: false,
      headers: {
        ...headers,
        ...(payload === undefined
          ? {}
          : { "content-type": "application/json", "content-length": payload.length }),
        "accept-encoding": "gzip",
      },
    })
    sent.once("error", reject)
    sent.once("response", (response) => {
      const chunks: Buffer[] = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.once("error", reject)
      response.once("end", () => {
        const bytes = Buffer.concat(chunks)
        const text = response.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: text.toString("utf8"),
        })
      })
    })
    sent.end(payload)
  })
}

/** A query as Go's `url.Values.Encode` writes it: sorted by name, empty values kept. */
export function goQuery(values: Readonly<Record<string, string>>): string {
  return new URLSearchParams(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))).toString()
}

/** A path segment as Go writes it when nobody escaped it: a plus stays a plus, a space becomes `%20`. */
export function goPath(text: string): string {
  return encodeURI(text)
}

/** Resty's rule: the body is decoded when the answer succeeded and says that it is JSON; else all stays zero. */
export function restyResult<const T extends GoType>(reply: Reply, type: T): GoValue<T> {
  const contentType = String(reply.headers["content-type"] ?? "")
  const isJson = /^(application|text)\/(json|.*\+json|json-.*)\s*(;|$)/i.test(contentType)
  const succeeded = reply.status > 199 && reply.status < 300
  return succeeded && isJson ? decodeGo(type, reply.text) : zeroGo(type)
}

/** What a Go client reports of an answer of 400 or more. */
export class ClientRefusal extends Error {
  readonly status: number
  /** Empty unless the answer's `message` is one string. */
  readonly serverMessage: string
  readonly requestId: string
  readonly reply: Reply

  constructor(reply: Reply) {
    const { message, reqId } = errorBody(reply)
    // A body that is no string is printed whole, as for a 422.
    super(`status ${reply.status}: ${typeof message === "string" ? message : reply.text}`)
    this.status = reply.status
    this.serverMessage = typeof message === "string" ? message : ""
    this.requestId = typeof reqId === "string" ? reqId : ""
    this.reply = reply
  }
}

function errorBody(reply: Reply): { readonly message?: unknown; readonly reqId?: unknown } {
  try {
    return JSON.parse(reply.text)
  } catch {
    return {} // not JSON: the client has no message to show
  }
}
