import { Readable } from "node:stream"
import type { FastifyReply, FastifyRequest } from "fastify"
import { type Call, type HttpPorts, inputParser } from "./endpoint.ts"
import { refusalOf } from "./error-mapper.ts"
import { requestSource } from "./request-source.ts"
import { describeHandler, type RouteSchemas } from "./route-description.ts"

/** A file that is made while it is sent. When its stream fails the connection breaks: nobody takes a part for the whole. */
export type Download = {
  readonly fileName: string
  readonly content: ReadableStream<Uint8Array>
}

/** A route whose answer is a file. Until `open` resolves it behaves as any other: refusals are audited, and JSON. */
export function downloadEndpoint<Query = undefined, Body = undefined>(
  ports: HttpPorts,
  schemas: RouteSchemas<Query, Body> & { readonly answerType: string },
  open: (call: Omit<Call<Query, Body>, "isAbandoned" | "request">) => Promise<Download>,
) {
  const parse = inputParser(schemas)
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const source = requestSource(request)
    const route = `${request.method} ${request.routeOptions.url ?? ""}`
    const session = await ports.authenticate(request.headers.authorization, { source, route })
    try {
      const { fileName, content } = await open({ session, ...parse(request) })
      reply.header("content-type", schemas.answerType)
      reply.header("content-disposition", `attachment; filename="${fileName.replace(/[^\w.-]/g, "_")}"`)
      return reply.send(Readable.fromWeb(content as Parameters<typeof Readable.fromWeb>[0]))
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal !== undefined) await ports.recordRefusal(session, refusal)
      throw error
    }
  }
  return describeHandler(handler, { ...schemas, access: "token" })
}
