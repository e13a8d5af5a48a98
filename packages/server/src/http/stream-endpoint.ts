import type { ServerResponse } from "node:http"
import type { FastifyReply, FastifyRequest } from "fastify"
import { type Call, type HttpPorts, inputParser } from "./endpoint.ts"
import { refusalOf } from "./error-mapper.ts"
import { requestSource } from "./request-source.ts"
import { describeHandler, type RouteSchemas } from "./route-description.ts"

/** Takes over an answer whose head has been sent. */
export type StreamAnswer = (response: ServerResponse) => void

type StreamCall<Query, Body> = Omit<Call<Query, Body>, "isAbandoned" | "request"> & {
  /** What a client that comes back saw last. */
  readonly lastEventId: string | undefined
}

const keepAliveMs = 30_000

/**
 * A route whose answer is a stream of events that stays open. Until `open` resolves it behaves as any other: refusals
 * are audited and answered as JSON. What the stream does then, and when it ends, is up to whoever took it over.
 */
export function streamEndpoint<Query = undefined, Body = undefined>(
  ports: HttpPorts,
  schemas: RouteSchemas<Query, Body>,
  open: (call: StreamCall<Query, Body>) => Promise<StreamAnswer>,
) {
  const parse = inputParser(schemas)
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const source = requestSource(request)
    const route = `${request.method} ${request.routeOptions.url ?? ""}`
    const session = await ports.authenticate(request.headers.authorization, { source, route })
    try {
      const start = await open({ session, ...parse(request), lastEventId: lastEventIdOf(request) })
      start(sendHead(request, reply))
      return reply
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal !== undefined) await ports.recordRefusal(session, refusal)
      throw error
    }
  }
  return describeHandler(handler, { ...schemas, access: "token" })
}

function lastEventIdOf(request: FastifyRequest): string | undefined {
  const value = request.headers["last-event-id"]
  return typeof value === "string" && value !== "" ? value : undefined
}

/** Headers at once: clients wait for them before they list. No buffering by proxies, and no idle limit. */
function sendHead(request: FastifyRequest, reply: FastifyReply): ServerResponse {
  const headers = reply.getHeaders()
  reply.hijack()
  request.raw.socket.setTimeout(0)
  request.raw.socket.setKeepAlive(true, keepAliveMs)
  request.raw.socket.setNoDelay(true)
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.raw.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    connection: "keep-alive",
    "x-accel-buffering": "no",
  })
  reply.raw.flushHeaders()
  return reply.raw
}
