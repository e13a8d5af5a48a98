import {
  changePasswordAnswer,
  changePasswordBody,
  checkAuthAnswer,
  loginAnswer,
  loginBody,
  organizationListAnswer,
  selectOrganizationAnswer,
  selectOrganizationBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { requireKind } from "../../actor.ts"
import { endpoint, type HttpPorts, openEndpoint, type Routes } from "../../http/index.ts"
import { answerRead } from "../../use-case/index.ts"
import { type CookieDeps, refreshTokenOf, withRefreshCookie } from "../sessions/index.ts"
import { changePassword } from "./change-password.ts"
import { listOwnOrganizations, selectOrganization } from "./organizations.ts"
import { type LoginDeps, logInWithPassword } from "./password-login.ts"

type Deps = LoginDeps & CookieDeps

/** How people log in (contract 1.13), and their password. */
export function loginRoutes(deps: Deps, ports: HttpPorts): Routes {
  return (app) => {
    app.post(
      "/v3/auth/login",
      openEndpoint(
        { summary: "Log in with e-mail and password", body: loginBody, answer: loginAnswer },
        async ({ body, source, request }) => {
          const tokens = await logInWithPassword(deps, source, { email: body.email, password: body.password })
          return withRefreshCookie(deps, request, tokens, { accessToken: tokens.accessToken })
        },
      ),
    )
    organizationRoutes(app, deps, ports)
    app.post(
      "/coffer/v1/me/password",
      endpoint(
        ports,
        { summary: "Change one's own password", body: changePasswordBody, answer: changePasswordAnswer },
        async ({ session, body }) => ({ endedSessions: await changePassword(deps, session, body) }),
      ),
    )
  }
}

function organizationRoutes(app: FastifyInstance, deps: Deps, ports: HttpPorts): void {
  app.post(
    "/v3/auth/select-organization",
    endpoint(
      ports,
      {
        summary: "Choose the organization that a login is for",
        body: selectOrganizationBody,
        answer: selectOrganizationAnswer,
      },
      async ({ session, body, request }) => {
        const isForCommandLine = body.userAgent === "cli"
        const refreshToken = refreshTokenOf(request)
        const choice = { organizationId: body.organizationId, isForCommandLine, refreshToken }
        const { tokens, mfa } = await selectOrganization(deps, session, choice)
        return withRefreshCookie(deps, request, tokens, { token: tokens.accessToken, ...mfa })
      },
      { withoutOrganization: true, withoutSecondFactor: true },
    ),
  )
  app.post(
    "/v1/auth/checkAuth",
    endpoint(
      ports,
      { summary: "Whether the token of a person is good", answer: checkAuthAnswer },
      ({ session }) =>
        answerRead(deps, session, (scope) => {
          requireKind(scope.session.actor, "user")
          return { message: "Authenticated" as const }
        }),
      { withoutOrganization: true },
    ),
  )
  app.get(
    "/v1/organization",
    endpoint(
      ports,
      { summary: "The organizations that a person belongs to", answer: organizationListAnswer },
      async ({ session }) => ({
        organizations: (await listOwnOrganizations(deps, session)).map((one) => ({
          id: one.orgId,
          name: one.orgName,
          slug: one.orgSlug,
          userRole: one.role,
        })),
      }),
      { withoutOrganization: true, withoutSecondFactor: true },
    ),
  )
}
