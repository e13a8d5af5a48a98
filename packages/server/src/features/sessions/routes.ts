import { logoutAnswer, refreshAnswer } from "@coffer/contract"
import { type HttpPorts, openEndpoint, type Routes } from "../../http/index.ts"
import { type CookieDeps, refreshTokenOf, withoutRefreshCookie, withRefreshCookie } from "./cookie.ts"
import { logOut } from "./own-sessions.ts"
import { endSessionOfCookie, refreshSession, type SessionsDeps } from "./service.ts"

/** Going on with a session and ending it (contract 1.13). */
export function sessionRoutes(deps: SessionsDeps & CookieDeps, ports: HttpPorts): Routes {
  return (app) => {
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
