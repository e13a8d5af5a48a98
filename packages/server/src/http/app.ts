import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify"
import { AppError } from "../errors.ts"
import type { Log } from "../log.ts"
import type { Random } from "../random.ts"
import { watchBody } from "./body-deadline.ts"
import { createClientErrorHandler } from "./client-error.ts"
import { mapError } from "./error-mapper.ts"
import { formType, parseFormBody } from "./form-body.ts"
import { parseJsonBody } from "./json-body.ts"
import { limited } from "./limited.ts"
import { limits, type Timeouts, timeouts } from "./limits.ts"
import { type FailedLoginLimit, RateLimitError, type RateLimits } from "./rate-limits.ts"
import { problemOfHead } from "./request-head.ts"
import { createRequestIds } from "./request-id.ts"
import { logError, logRequest } from "./request-log.ts"
import { type CataloguedRoute, descriptionOf } from "./route-description.ts"
import { securityHeaders } from "./security-headers.ts"

export type HttpOptions = {
  readonly random: Random
  readonly log: Log
  /** Whose `X-Forwarded-For` is believed; none by default. */
  readonly trustedProxies: readonly string[]
  /** Filled with every route as it is registered; complete when the application is ready. */
  readonly catalogue?: CataloguedRoute[]
  /** Connections at the same time; more are closed as they come. No limit when absent. */
  readonly maxConnections?: number
  /** Whether browsers reach this server by HTTPS only, which they are then told to remember. */
  readonly isHttpsOnly?: boolean
  /** Web pages of other origins that may call this server from a browser; none when absent. */
  readonly crossOrigin?: CrossOrigin
  /** One line in the log for each request; refusals and failures have one in any case. */
  readonly logsRequests?: boolean
  readonly timeouts?: Timeouts
  readonly rateLimits?: RateLimits
  readonly failedLogins?: FailedLoginLimit
}

export type CrossOrigin = {
  /** Such as `https://app.example.com`: compared as a whole. */
  readonly origins: readonly string[]
  /** Request headers that those pages may send; what they ask for when absent. */
  readonly headers: readonly string[] | undefined
}

/** A Fastify plugin that adds the routes of one feature below `/api`. */
export type Routes = (app: FastifyInstance) => void

/** The HTTP application: limits, error answers and the routes below `/api`. It does not listen yet. */
export function createHttpApp(options: HttpOptions, routes: readonly Routes[]): FastifyInstance {
  const headers = securityHeaders({ isHttpsOnly: options.isHttpsOnly ?? false })
  const app = createFastify(options, (error, request, reply) => {
    reply.headers(headers).header("x-request-id", request.id)
    sendError(options.log, error, request, reply)
  })
  app.server.maxConnections = options.maxConnections ?? Number.POSITIVE_INFINITY
  addBodyParsers(app)
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers(headers).header("x-request-id", request.id)
    watchBody(request, (options.timeouts ?? timeouts).requestMs)
    done(problemOfHead(request.raw))
  })
  if (options.logsRequests === true) {
    app.addHook("onResponse", (request, reply, done) => {
      logRequest(options.log, request, reply)
      done()
    })
  }
  app.setErrorHandler((error, request, reply) => sendError(options.log, error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const message = `Route ${request.method} ${pathOf(request)} not found`
    sendError(options.log, new AppError("not-found", "NotFound", message), request, reply)
  })
  app.addHook("onRoute", (route) => {
    const { url, handler } = route
    const description = descriptionOf(handler)
    for (const method of [route.method].flat()) {
      // HEAD is its GET without the body.
      if (method !== "HEAD") options.catalogue?.push({ method, url, description })
    }
    if (description?.bodyType !== undefined) route.config = { ...route.config, isUpload: true }
    if (description?.acceptsForms === true) route.config = { ...route.config, acceptsForms: true }
    if (description?.access === "open") route.handler = limited(handler, options)
  })
  if (options.crossOrigin !== undefined) allowCrossOrigin(app, options.crossOrigin)
  app.register(
    async (api) => {
      for (const add of routes) add(api)
    },
    { prefix: "/api" },
  )
  return app
}

/** JSON everywhere, web forms where a route says so, and nothing else. */
function addBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parsers = {
    "application/json": (_request: FastifyRequest, body: string) => parseJsonBody(body),
    [formType]: parseFormBody,
  }
  for (const [type, parse] of Object.entries(parsers)) {
    app.addContentTypeParser(type, { parseAs: "string" }, (request, body, done) => {
      try {
        done(null, parse(request, body as string))
      } catch (error) {
        done(error as Error)
      }
    })
  }
}

type ErrorAnswerer = (error: unknown, request: FastifyRequest, reply: FastifyReply) => void

/** @param beforeRoutes answers the errors of requests that no hook sees, such as a path that cannot be decoded */
function createFastify(options: HttpOptions, beforeRoutes: ErrorAnswerer): FastifyInstance {
  const { log, trustedProxies } = options
  const newRequestId = createRequestIds(options.random)
  const patience = options.timeouts ?? timeouts
  return fastify({
    logger: false,
    genReqId: () => newRequestId(),
    requestIdHeader: false,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    bodyLimit: limits.bodyBytes,
    connectionTimeout: patience.silenceMs,
    requestTimeout: patience.uploadMs,
    keepAliveTimeout: patience.idleMs,
    http: {
      maxHeaderSize: limits.headBytes,
      headersTimeout: patience.headMs,
      requestTimeout: patience.uploadMs,
      connectionsCheckingInterval: patience.checkMs,
    },
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: limits.urlLength },
    clientErrorHandler: createClientErrorHandler(log, newRequestId),
    frameworkErrors: beforeRoutes,
    // Zod reads requests and nothing is serialised by schema: what Fastify has for both is not even loaded.
    schemaController: {
      compilersFactory: { buildValidator: noSchemaOfFastify, buildSerializer: noSchemaOfFastify },
    },
  })
}

function noSchemaOfFastify(): never {
  throw new Error("routes have no Fastify schema: describe them with endpoint()")
}

/** Loaded only where it is configured: without it no page of another origin reads an answer. */
function allowCrossOrigin(app: FastifyInstance, { origins, headers }: CrossOrigin): void {
  app.register(import("@fastify/cors"), {
    origin: [...origins],
    credentials: true,
    methods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    exposedHeaders: ["etag", "retry-after", "x-request-id"],
    maxAge: 600,
    ...(headers === undefined ? {} : { allowedHeaders: [...headers] }),
  })
}

/** The path without the query, shortened: a mistyped URL may hold anything. */
function pathOf(request: FastifyRequest): string {
  const [path = "/"] = request.url.split("?", 1)
  return path.slice(0, 200)
}

function sendError(log: Log, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const mapped = mapError(error, request.id)
  logError(log, { request, reply, mapped, error })
  if (mapped.retryAfterSeconds !== undefined) {
    reply.header("retry-after", String(Math.max(1, Math.ceil(mapped.retryAfterSeconds))))
  }
  if (error instanceof RateLimitError) {
    reply.headers({
      "x-ratelimit-limit": String(error.limit),
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": String(error.resetSeconds),
    })
  }
  reply
    .code(mapped.body.statusCode)
    .header("content-type", "application/json; charset=utf-8")
    .send(JSON.stringify(mapped.body))
}
