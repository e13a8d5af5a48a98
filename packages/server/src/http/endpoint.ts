import type { FastifyReply, FastifyRequest } from "fastify"
import type { Leniency, Session } from "../actor.ts"
import type { AuditSource } from "../audit/audit-event.ts"
import type { AppError } from "../errors.ts"
import type { AnswerBasis, WarmAnswers } from "../use-case/index.ts"
import { refusalOf } from "./error-mapper.ts"
import { etagOf, matchesEtag } from "./etag.ts"
import { parseInput, queryParser } from "./input.ts"
import { requestSource } from "./request-source.ts"
import { describeHandler, type RouteSchemas } from "./route-description.ts"

/** What `http/` needs of the features, handed in so that it imports none. */
export type HttpPorts = {
  /**
   * @param authorization the header as it was sent
   * @throws AppError "unauthenticated" or "forbidden", already in the audit log where the caller is known
   */
  authenticate(
    authorization: string | undefined,
    origin: { readonly source: AuditSource; readonly route: string },
    leniency?: Leniency,
  ): Session | Promise<Session>
  /** Makes a refusal durable unless the log already holds it. */
  recordRefusal(session: Session, error: AppError): Promise<void>
  /** Answers that may be given again; every one is made anew when absent. */
  readonly warmAnswers?: WarmAnswers
}

type Params = Readonly<Record<string, string>>

/** What a handler of an authenticated route works with: canonical input and who asks. */
export type Call<Query, Body> = {
  readonly session: Session
  readonly request: FastifyRequest
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** True once the client is gone: long work may stop. */
  readonly isAbandoned: () => boolean
}

/** The same for routes that need no token. */
export type OpenCall<Query, Body> = Omit<Call<Query, Body>, "session" | "isAbandoned"> & {
  readonly source: AuditSource
}

/**
 * An answer whose validator is made from `seed`, so that a client that has it gets a 304 and the body is never made.
 * Routes that show values must use it: a hash of the body would tell something about them.
 */
export class TaggedAnswer {
  readonly seed: string
  readonly body: () => object | Promise<string>
  readonly basis: AnswerBasis | undefined

  /**
   * @param body the answer, or its JSON where that takes so long that it is written in slices ({@link jsonOfMany})
   * @param basis what the answer was made from, if nothing else: it may then be given again as long as that holds
   */
  constructor(seed: string, body: () => object | Promise<string>, basis?: AnswerBasis) {
    this.seed = seed
    this.body = body
    this.basis = basis
  }
}

/** An answer that sets a cookie. */
export class AnswerWithCookie {
  readonly body: object
  readonly cookie: string

  constructor(body: object, cookie: string) {
    this.body = body
    this.cookie = cookie
  }
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>

/** A route that needs a token: authenticate, parse, handle, answer. Refusals reach the audit log before the client. */
export function endpoint<Query = undefined, Body = undefined>(
  ports: HttpPorts,
  schemas: RouteSchemas<Query, Body>,
  handle: (call: Call<Query, Body>) => Promise<object>,
  leniency?: Leniency,
): Handler {
  const parse = inputParser(schemas)
  const handler: Handler = async (request, reply) => {
    const source = requestSource(request)
    const route = `${request.method} ${request.routeOptions.url ?? ""}`
    const session = await ports.authenticate(request.headers.authorization, { source, route }, leniency)
    // Another method on the same URL is another question.
    const warmAnswers = request.method === "GET" ? ports.warmAnswers : undefined
    try {
      const warm = warmAnswers?.find(session, request.url)
      if (warm !== undefined && warmAnswers !== undefined && (await warmAnswers.confirm(session, warm))) {
        return isKnown(request, reply, warm.etag)
          ? sendNothing(reply)
          : sendJson(reply, warmAnswers.open(warm))
      }
      const isAbandoned = () => reply.raw.destroyed
      const answer = await handle({ session, request, ...parse(request), isAbandoned })
      if (!(answer instanceof TaggedAnswer)) return send(request, reply, answer)
      const etag = etagOf(request.url, answer.seed)
      if (isKnown(request, reply, etag)) return sendNothing(reply)
      const made = answer.body()
      const body = made instanceof Promise ? await made : JSON.stringify(made)
      if (answer.basis !== undefined)
        warmAnswers?.keep(session, request.url, { etag, body, basis: answer.basis })
      return sendJson(reply, body)
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal !== undefined) await ports.recordRefusal(session, refusal)
      throw error
    }
  }
  return describeHandler(handler, { ...schemas, access: "token" })
}

/** A route that anyone may call. */
export function openEndpoint<Query = undefined, Body = undefined>(
  schemas: RouteSchemas<Query, Body>,
  handle: (call: OpenCall<Query, Body>) => Promise<object>,
): Handler {
  const parse = inputParser(schemas)
  const handler: Handler = async (request, reply) => {
    const source = requestSource(request)
    const answer = await handle({ source, request, ...parse(request) })
    return send(request, reply, answer)
  }
  return describeHandler(handler, { ...schemas, access: "open" })
}

type Input<Query, Body> = { readonly params: Params; readonly query: Query; readonly body: Body }

/** Reads params, query and body of a request in their canonical form. @throws AppError "unprocessable" */
export function inputParser<Query, Body>(
  schemas: RouteSchemas<Query, Body>,
): (request: FastifyRequest) => Input<Query, Body> {
  const parseQuery = schemas.query === undefined ? undefined : queryParser(schemas.query)
  const bodySchema = schemas.body
  return (request) => ({
    params: request.params as Params,
    query: parseQuery?.(request.url, request.query) as Query,
    body: (bodySchema === undefined ? undefined : parseInput(bodySchema, request.body, "body")) as Body,
  })
}

function send(request: FastifyRequest, reply: FastifyReply, answer: object): FastifyReply {
  if (answer instanceof AnswerWithCookie) {
    reply.header("set-cookie", answer.cookie)
    return sendJson(reply, JSON.stringify(answer.body))
  }
  const body = JSON.stringify(answer)
  if (request.method === "GET" && isKnown(request, reply, etagOf(body))) return sendNothing(reply)
  return sendJson(reply, body)
}

/** Names the validator of the answer. True when the client has that answer already: it gets it no second time. */
function isKnown(request: FastifyRequest, reply: FastifyReply, etag: string): boolean {
  reply.header("etag", etag)
  return matchesEtag(request.headers["if-none-match"], etag)
}

function sendNothing(reply: FastifyReply): FastifyReply {
  return reply.code(304).send()
}

function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.header("content-type", "application/json; charset=utf-8").send(json)
}
