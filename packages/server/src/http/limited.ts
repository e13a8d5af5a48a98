import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from "fastify"
import { canonicalSource } from "../network-address.ts"
import type { HttpPorts } from "./endpoint.ts"
import type { FailedLoginLimit, RateLimits } from "./rate-limits.ts"

type Limits = { readonly rateLimits?: RateLimits; readonly failedLogins?: FailedLoginLimit }

/** Orchestrators ask for it all the time, and it tells nothing (contract 7.1). */
const neverLimited = ["GET /api/status", "HEAD /api/status"]

/**
 * A route that needs no token, with its callers counted by address. Whatever such a route does besides reading it does
 * for a proof in the body: those that fail count as failed logins.
 */
export function limited(
  handler: RouteHandlerMethod,
  { rateLimits, failedLogins }: Limits,
): RouteHandlerMethod {
  return function (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply) {
    const route = `${request.method} ${request.routeOptions.url ?? ""}`
    if (rateLimits !== undefined && !neverLimited.includes(route))
      rateLimits.take(route, canonicalSource(request.ip))
    const isRead = request.method === "GET" || request.method === "HEAD"
    if (isRead || failedLogins === undefined) return handler.call(this, request, reply)
    const attempt = async () => handler.call(this, request, reply)
    return failedLogins.guard(canonicalSource(request.ip), attempt)
  }
}

/** Counts authenticated requests by actor, and those whose token is refused by address. Without limits: as it was. */
export function limitedAuthentication(
  authenticate: HttpPorts["authenticate"],
  rateLimits: RateLimits | undefined,
): HttpPorts["authenticate"] {
  if (rateLimits === undefined) return authenticate
  return async (authorization, origin, leniency) => {
    const session = await Promise.try(authenticate, authorization, origin, leniency).catch(
      (error: unknown) => {
        rateLimits.take(origin.route, canonicalSource(origin.source.ipAddress))
        throw error
      },
    )
    rateLimits.take(origin.route, session.actor.id)
    return session
  }
}
