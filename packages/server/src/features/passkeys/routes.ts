import {
  answerPasskeyBody,
  beginPasskeyBody,
  loginAnswer,
  passkeyAnswer,
  passkeyListAnswer,
  passkeyOptionsAnswer,
  registeredPasskeyAnswer,
  registerPasskeyBody,
  removedFactorAnswer,
  removePasskeyBody,
  renamePasskeyBody,
  verifyMfaAnswer,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, isoTime, openEndpoint, type Routes } from "../../http/index.ts"
import { type CookieDeps, withRefreshCookie } from "../sessions/index.ts"
import type { Passkey } from "./domain.ts"
import { beginLogin, beginSecondFactor, logInWithPasskey, showPasskey } from "./login.ts"
import { passkeyPageRoutes } from "./page-routes.ts"
import { siteHost } from "./relying-party.ts"
import { beginRegistration, type PasskeyDeps, register, remove, rename, viewPasskeys } from "./service.ts"

type Deps = PasskeyDeps & CookieDeps

/** Passkeys: added, used to log in or as a second factor, renamed, removed. */
export function passkeyRoutes(deps: Deps, ports: HttpPorts): Routes {
  return (app) => {
    registrationRoutes(app, deps, ports)
    ownPasskeyRoutes(app, deps, ports)
    loginRoutes(app, deps)
    secondFactorRoutes(app, deps, ports)
    passkeyPageRoutes(app, deps)
  }
}

function registrationRoutes(app: FastifyInstance, deps: Deps, ports: HttpPorts): void {
  app.post(
    "/coffer/v1/me/passkeys/options",
    endpoint(
      ports,
      { summary: "Begin to add a passkey", body: beginPasskeyBody, answer: passkeyOptionsAnswer },
      ({ session, body, request }) =>
        beginRegistration(deps, session, { password: body.password, host: siteHost(request.headers) }),
    ),
  )
  app.post(
    "/coffer/v1/me/passkeys",
    endpoint(
      ports,
      { summary: "Add a passkey", body: registerPasskeyBody, answer: registeredPasskeyAnswer },
      async ({ session, body, request }) => {
        const { passkey, recoveryCodes } = await register(deps, session, {
          name: body.name,
          challengeToken: body.challengeToken,
          response: body.response,
          host: siteHost(request.headers),
        })
        return { passkey: present(passkey), recoveryCodes }
      },
    ),
  )
}

function ownPasskeyRoutes(app: FastifyInstance, deps: Deps, ports: HttpPorts): void {
  const one = "/coffer/v1/me/passkeys/:passkeyId"
  app.get(
    "/coffer/v1/me/passkeys",
    endpoint(
      ports,
      { summary: "List one's own passkeys", answer: passkeyListAnswer },
      async ({ session }) => ({ passkeys: (await viewPasskeys(deps, session)).map(present) }),
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      { summary: "Rename a passkey", body: renamePasskeyBody, answer: passkeyAnswer },
      async ({ session, params, body }) => {
        const id = params["passkeyId"] ?? ""
        await rename(deps, session, { id, name: body.name })
        return { id, name: body.name }
      },
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: "Remove a passkey", body: removePasskeyBody, answer: removedFactorAnswer },
      async ({ session, params, body }) => {
        await remove(deps, session, { id: params["passkeyId"] ?? "", password: body.password })
        return { message: "The second factor is removed" }
      },
    ),
  )
}

function loginRoutes(app: FastifyInstance, deps: Deps): void {
  app.post(
    "/coffer/v1/auth/passkey/options",
    openEndpoint({ summary: "Begin to log in with a passkey", answer: passkeyOptionsAnswer }, ({ request }) =>
      beginLogin(deps, siteHost(request.headers)),
    ),
  )
  app.post(
    "/coffer/v1/auth/passkey/login",
    openEndpoint(
      { summary: "Log in with a passkey", body: answerPasskeyBody, answer: loginAnswer },
      async ({ body, source, request }) => {
        const tokens = await logInWithPasskey(deps, source, {
          challengeToken: body.challengeToken,
          response: body.response,
          host: siteHost(request.headers),
        })
        return withRefreshCookie(deps, request, tokens, { accessToken: tokens.accessToken })
      },
    ),
  )
}

/** A session whose second factor is due. */
const lenient = { withoutOrganization: true, withoutSecondFactor: true } as const

function secondFactorRoutes(app: FastifyInstance, deps: Deps, ports: HttpPorts): void {
  app.post(
    "/coffer/v1/auth/passkey/second-factor/options",
    endpoint(
      ports,
      { summary: "Begin to show a passkey as the second factor of a login", answer: passkeyOptionsAnswer },
      ({ session, request }) => beginSecondFactor(deps, session, siteHost(request.headers)),
      lenient,
    ),
  )
  app.post(
    "/coffer/v1/auth/passkey/second-factor",
    endpoint(
      ports,
      {
        summary: "Show a passkey as the second factor of a login",
        body: answerPasskeyBody,
        answer: verifyMfaAnswer,
      },
      async ({ session, body, request }) => {
        const tokens = await showPasskey(deps, session, {
          challengeToken: body.challengeToken,
          response: body.response,
          host: siteHost(request.headers),
        })
        return withRefreshCookie(deps, request, tokens, { token: tokens.accessToken })
      },
      lenient,
    ),
  )
}

function present(passkey: Passkey) {
  return {
    id: passkey.id,
    name: passkey.name,
    createdAt: isoTime(passkey.createdAt),
    lastUsedAt: passkey.lastUsedAt === null ? null : isoTime(passkey.lastUsedAt),
  }
}
