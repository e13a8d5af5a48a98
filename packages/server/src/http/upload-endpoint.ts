import type { Readable } from "node:stream"
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import { AppError } from "../errors.ts"
import { type Call, type HttpPorts, inputParser } from "./endpoint.ts"
import { refusalOf } from "./error-mapper.ts"
import { requestSource } from "./request-source.ts"
import { describeHandler, type RouteSchemas } from "./route-description.ts"

type UploadCall<Query> = Pick<Call<Query, undefined>, "session" | "params" | "query"> & {
  readonly upload: AsyncIterable<Uint8Array>
  /** `undefined` when it was not sent. */
  readonly header: (name: string) => string | undefined
}

/** How long a refused client may go on sending before its connection is closed. */
const drainMs = 10_000

/** Lets the routes that are added to this instance take bodies of this type as streams; all other types are refused. */
export function acceptUploads(app: FastifyInstance, bodyType: string): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(bodyType, (_request, payload, done) => done(null, payload))
  app.addContentTypeParser("*", (request, _payload, done) => {
    drain(request)
    done(new AppError("invalid", "UnsupportedMediaType", `Send the file, with 'content-type: ${bodyType}'`))
  })
}

/** A route that reads its body while it arrives, and takes as much of it as it can work on. */
export function uploadEndpoint<Query = undefined>(
  ports: HttpPorts,
  schemas: RouteSchemas<Query, undefined> & { readonly bodyType: string },
  handle: (call: UploadCall<Query>) => Promise<object>,
) {
  const parse = inputParser<Query, undefined>(schemas)
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    try {
      const source = requestSource(request)
      const route = `${request.method} ${request.routeOptions.url ?? ""}`
      const session = await ports.authenticate(request.headers.authorization, { source, route })
      try {
        const { params, query } = parse(request)
        const upload = request.body as Readable | undefined
        if (upload === undefined) throw new AppError("invalid", "BadRequest", "The body is missing")
        const header = (name: string) => headerOf(request, name)
        const answer = await handle({ session, params, query, upload, header })
        reply.header("content-type", "application/json; charset=utf-8")
        return reply.send(JSON.stringify(answer))
      } catch (error) {
        const refusal = refusalOf(error)
        if (refusal !== undefined) await ports.recordRefusal(session, refusal)
        throw error
      }
    } finally {
      drain(request)
    }
  }
  return describeHandler(handler, { ...schemas, access: "token" })
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === "string" && value !== "" ? value : undefined
}

/** A client reads its answer only after it has sent everything: what nobody wants any more is thrown away, for a while. */
function drain({ raw }: FastifyRequest): void {
  if (raw.readableEnded || raw.destroyed) return
  raw.resume()
  const timer = setTimeout(() => raw.destroy(), drainMs)
  timer.unref()
  raw.once("close", () => clearTimeout(timer))
}
