import { endedSessionsAnswer, logoutAnswer, refreshAnswer, userSessionListAnswer } from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, openEndpoint, type Routes } from "../../http/index.ts"
import { type CookieDeps, refreshTokenOf, withoutRefreshCookie, withRefreshCookie } from "./cookie.ts"
import { endOwnSessions, listOwnSessions, logOut } from "./own-sessions.ts"
import { presentSession } from "./presenter.ts"
import { endSessionOfCookie, refreshSession, type SessionsDeps } from "./service.ts"

/** Going on with a session and ending it (contract 1.13). */
export function sessionRoutes(deps: SessionsDeps & CookieDeps, ports: HttpPorts): Routes {
  return (app) => {
    ownSessionRoutes(app, deps, ports)
    app.post(
      "/v1/auth/token",
      openEndpoint(
        { summary: "Get a new access token with the session cookie", answer: refreshAnswer },
        async ({ source, request }) => {
          const tokens = await refreshSession(deps, source, refreshTokenOf(request))
          const organization = tokens.orgId === "" ? {} : { organizationId: tokens.orgId }
          return withRefreshCookie(deps, request, tokens, { token: tokens.accessToken, ...organization })
        },
      ),
    )
    app.post(
      "/v1/auth/logout",
      openEndpoint(
        { summary: "Log out: end the session of the cookie or of the token", answer: logoutAnswer },
        async ({ source, request }) => {
          const cookie = refreshTokenOf(request)
          const isEnded = cookie !== undefined && (await endSessionOfCookie(deps, source, cookie))
          if (!isEnded) {
            const origin = { source, route: "POST /api/v1/auth/logout" }
            const leniency = { withoutOrganization: true, withoutSecondFactor: true }
            await logOut(deps, await ports.authenticate(request.headers.authorization, origin, leniency))
          }
          return withoutRefreshCookie(deps, request, { message: "Successfully logged out" })
        },
      ),
    )
  }
}

function ownSessionRoutes(app: FastifyInstance, deps: SessionsDeps, ports: HttpPorts): void {
  app.get(
    "/coffer/v1/me/sessions",
    endpoint(
      ports,
      { summary: "List one's own open sessions", answer: userSessionListAnswer },
      async ({ session }) => {
        const sessions = await listOwnSessions(deps, session)
        return { sessions: sessions.map((one) => presentSession(one, session.actor.tokenId)) }
      },
    ),
  )
  app.delete(
    "/coffer/v1/me/sessions",
    endpoint(
      ports,
      { summary: "End all of one's own sessions but this one", answer: endedSessionsAnswer },
      async ({ session }) => ({ endedSessions: await endOwnSessions(deps, session) }),
    ),
  )
  app.delete(
    "/coffer/v1/me/sessions/:sessionId",
    endpoint(
      ports,
      { summary: "End one of one's own sessions", answer: endedSessionsAnswer },
      async ({ session, params }) => ({
        endedSessions: await endOwnSessions(deps, session, params["sessionId"] ?? ""),
      }),
    ),
  )
}
