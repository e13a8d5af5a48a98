import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify"
import { AppError } from "../errors.ts"
import type { Log } from "../log.ts"
import type { Random } from "../random.ts"
import { mapError } from "./error-mapper.ts"
import { parseJsonBody } from "./json-body.ts"
import { createRequestIds } from "./request-id.ts"
import { type CataloguedRoute, descriptionOf } from "./route-description.ts"

export type HttpOptions = {
  readonly random: Random
  readonly log: Log
  /** Whose `X-Forwarded-For` is believed; none by default. */
  readonly trustedProxies: readonly string[]
  /** Filled with every route as it is registered; complete when the application is ready. */
  readonly catalogue?: CataloguedRoute[]
}

/** A Fastify plugin that adds the routes of one feature below `/api`. */
export type Routes = (app: FastifyInstance) => void

const bodyLimitBytes = 1024 * 1024
const longestParameter = 16 * 1024

/** The HTTP application: limits, error answers and the routes below `/api`. It does not listen yet. */
export function createHttpApp(options: HttpOptions, routes: readonly Routes[]): FastifyInstance {
  const newRequestId = createRequestIds(options.random)
  const app = fastify({
    logger: false,
    genReqId: () => newRequestId(),
    requestIdHeader: false,
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
    bodyLimit: bodyLimitBytes,
    connectionTimeout: 30_000,
    requestTimeout: 30_000,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: longestParameter },
    frameworkErrors: (error, request, reply) => sendError(options.log, error, request, reply),
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as string))
    } catch (error) {
      done(error as Error)
    }
  })
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("cache-control", "no-store")
    reply.header("x-content-type-options", "nosniff")
    done(problemOfUrl(request.raw.url ?? "/"))
  })
  app.setErrorHandler((error, request, reply) => sendError(options.log, error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const error = new AppError(
      "not-found",
      "NotFound",
      `Route ${request.method} ${pathOf(request)} not found`,
    )
    sendError(options.log, error, request, reply)
  })
  app.addHook("onRoute", ({ method, url, handler }) => {
    for (const one of [method].flat()) {
      options.catalogue?.push({ method: one, url, description: descriptionOf(handler) })
    }
  })
  app.register(
    async (api) => {
      for (const add of routes) add(api)
    },
    { prefix: "/api" },
  )
  return app
}

/** Dot segments and NUL never reach a route: names are decoded exactly once, and nothing resolves paths later. */
function problemOfUrl(url: string): AppError | undefined {
  const end = url.indexOf("?")
  const path = end === -1 ? url : url.slice(0, end)
  if (/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path)) {
    return new AppError("invalid", "BadRequest", "The path must not contain '.' or '..' segments")
  }
  if (path.includes("%00")) return new AppError("invalid", "BadRequest", "The path must not contain NUL")
  return undefined
}

/** The path without the query, shortened: a mistyped URL may hold anything. */
function pathOf(request: FastifyRequest): string {
  const [path = "/"] = request.url.split("?", 1)
  return path.slice(0, 200)
}

function sendError(log: Log, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const mapped = mapError(error, request.id)
  if (mapped.isOurFault) log.error({ requestId: request.id, ...describe(error) }, "request failed")
  if (mapped.retryAfterSeconds !== undefined) {
    reply.header("retry-after", String(Math.max(1, Math.ceil(mapped.retryAfterSeconds))))
  }
  reply
    .code(mapped.body.statusCode)
    .header("content-type", "application/json; charset=utf-8")
    .send(JSON.stringify(mapped.body))
}

/** Name, message and origin of an error; never its other fields, which may hold anything. */
function describe(error: unknown): object {
  if (!(error instanceof Error)) return { problem: "not an error object" }
  const cause = error.cause instanceof Error ? error.cause.message : undefined
  return { problem: error.name, detail: error.message, cause, stack: error.stack }
}
