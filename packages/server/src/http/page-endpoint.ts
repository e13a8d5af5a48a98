import type { FastifyReply, FastifyRequest } from "fastify"
import { inputParser, type OpenCall } from "./endpoint.ts"
import { requestSource } from "./request-source.ts"
import { describeHandler, type RouteSchemas } from "./route-description.ts"

/** What a browser is shown, or where it is sent. */
export type PageAnswer = {
  readonly cookies?: readonly string[]
} & (
  | {
      readonly status: number
      readonly html: string
      /** Content-Security-Policy of a page that has a script or a style of this server; nothing else is ever allowed. */
      readonly policy?: string
    }
  | { readonly redirectTo: string }
)

/** A route that a browser opens by itself and anyone may call; its page may load nothing and run nothing but what its policy says. */
export function pageEndpoint<Query = undefined>(
  description: Pick<RouteSchemas<Query>, "query"> & { readonly summary: string },
  handle: (call: Pick<OpenCall<Query, undefined>, "request" | "source" | "query">) => Promise<PageAnswer>,
) {
  const parse = inputParser<Query, undefined>(description)
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const { query } = parse(request)
    const answer = await handle({ request, query, source: requestSource(request) })
    if (answer.cookies !== undefined) reply.header("set-cookie", [...answer.cookies])
    if ("redirectTo" in answer) return reply.redirect(answer.redirectTo, 303)
    if (answer.policy !== undefined) reply.header("content-security-policy", answer.policy)
    return reply.code(answer.status).header("content-type", "text/html; charset=utf-8").send(answer.html)
  }
  return describeHandler(handler, { ...description, answerType: "text/html", access: "open" })
}
