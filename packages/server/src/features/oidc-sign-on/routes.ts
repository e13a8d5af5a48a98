import {
  commandLoginQuery,
  commandTokenAnswer,
  commandTokenBody,
  type OidcObject,
  oidcTestAnswer,
  oneOidcAnswer,
  setOidcBody,
  signOnAddressAnswer,
} from "@coffer/contract"
import { parseCookie, stringifySetCookie } from "cookie"
import type { FastifyInstance, FastifyRequest } from "fastify"
import { AppError } from "../../errors.ts"
import {
  endpoint,
  type HttpPorts,
  isoTime,
  openEndpoint,
  type PageAnswer,
  pageEndpoint,
  type Routes,
} from "../../http/index.ts"
import { checkOf, commandUrl, type WaitingCommand } from "../command-logins/index.ts"
import { type CookieDeps, refreshCookie } from "../sessions/index.ts"
import { callbackPath, loginPath } from "./addresses.ts"
import { exchangeCode } from "./command-token.ts"
import { flowLifetimeMs } from "./domain.ts"
import { beginLogin, commandLoginUrl, type Ended, endLogin, type FlowDeps, waitingCommand } from "./flow.ts"
import { page } from "./pages.ts"
import { deleteSignOn, type ShownSignOn, setSignOn, testSignOn, viewSignOn } from "./settings.ts"

type Deps = FlowDeps & CookieDeps

const settingsPath = "/coffer/v1/organization/oidc"
const cookiePath = "/api/coffer/v1/sso/oidc"
const cookieName = "coffer_oidc"

/** Single sign-on: its settings, the addresses that browsers open, and the end of a command's login. */
export function oidcRoutes(deps: Deps, ports: HttpPorts): Routes {
  return (app) => {
    settingsRoutes(app, deps, ports)
    loginRoutes(app, deps)
    app.get(
      "/coffer/v1/sso/oidc/callback",
      pageEndpoint(
        { summary: "Where the OpenID provider sends the browser back to" },
        ({ request, source }) => {
          const cookie = parseCookie(request.headers.cookie ?? "")[cookieName]
          const query = new URLSearchParams(request.url.split("?")[1] ?? "")
          const end = async () => pageOf(deps, request, await endLogin(deps, source, cookie, query))
          return withErrorPage(request, end, waitingCommand(deps, cookie, query))
        },
      ),
    )
    app.post(
      "/coffer/v1/sso/oidc/command-token",
      openEndpoint(
        {
          summary: "Exchange the code that a browser brought to a command for an access token",
          body: commandTokenBody,
          answer: commandTokenAnswer,
        },
        ({ body, source }) => exchangeCode(deps, source, body),
      ),
    )
  }
}

function loginRoutes(app: FastifyInstance, deps: Deps): void {
  const begin = (request: FastifyRequest, command?: WaitingCommand) =>
    withErrorPage(request, async () => {
      const { organizationSlug = "" } = request.params as Readonly<Record<string, string>>
      const { redirectTo, flow } = await beginLogin(deps, organizationSlug, command)
      return { redirectTo, cookies: [flowCookie(deps, request, flow)] }
    })
  app.get(
    "/coffer/v1/sso/oidc/:organizationSlug",
    openEndpoint(
      { summary: "Where a browser begins a login for a command", answer: signOnAddressAnswer },
      async ({ params }) => ({
        commandLoginUrl: await commandLoginUrl(deps, params["organizationSlug"] ?? ""),
      }),
    ),
  )
  app.get(
    "/coffer/v1/sso/oidc/:organizationSlug/login",
    pageEndpoint({ summary: "Begin a login with the OpenID provider of an organization" }, ({ request }) =>
      begin(request),
    ),
  )
  app.get(
    "/coffer/v1/sso/oidc/:organizationSlug/command-login",
    pageEndpoint(
      {
        summary: "Begin a login of a command with the OpenID provider of an organization",
        query: commandLoginQuery,
      },
      ({ request, query }) => begin(request, query),
    ),
  )
}

/** A command gets its code by a link that a person follows, never by itself: see docs/adr/0009. */
function pageOf(deps: Deps, request: FastifyRequest, ended: Ended): PageAnswer {
  const { email } = ended
  if (ended.kind === "code") {
    const { code, command } = ended
    const text = `A command on this computer waits to be logged in as ${email}. Continue only if you started it yourself and it shows ${checkOf(command)}.`
    const html = page({ title: "Log in at the command line?", text, link: commandUrl(command, { code }) })
    return { status: 200, html, cookies: [flowCookie(deps, request, "")] }
  }
  const due =
    "A second factor is due before the session opens anything: a code, sent to /api/v2/auth/mfa/verify."
  const text = `${email} is logged in. A program gets an access token with the cookie of this login at /api/v1/auth/token.${ended.isSecondFactorDue ? ` ${due}` : ""}`
  return {
    status: 200,
    html: page({ title: "Logged in", text, link: deps.siteUrl ?? "/" }),
    cookies: [refreshCookie(deps, request, ended.tokens), flowCookie(deps, request, "")].flatMap(
      (one) => one ?? [],
    ),
  }
}

function settingsRoutes(app: FastifyInstance, deps: Deps, ports: HttpPorts): void {
  app.get(
    settingsPath,
    endpoint(
      ports,
      { summary: "The OpenID provider of the organization", answer: oneOidcAnswer },
      async ({ session }) => ({ oidc: present(deps, await viewSignOn(deps, session)) }),
    ),
  )
  app.post(
    settingsPath,
    endpoint(
      ports,
      { summary: "Set the OpenID provider of the organization", body: setOidcBody, answer: oneOidcAnswer },
      async ({ session, body }) => ({ oidc: present(deps, await setSignOn(deps, session, body)) }),
    ),
  )
  app.delete(
    settingsPath,
    endpoint(
      ports,
      { summary: "Take the OpenID provider of the organization away", answer: oneOidcAnswer },
      async ({ session }) => ({ oidc: present(deps, await deleteSignOn(deps, session)) }),
    ),
  )
  app.post(
    `${settingsPath}/test`,
    endpoint(
      ports,
      { summary: "Try the OpenID provider of the organization, and say how it went", answer: oidcTestAnswer },
      async ({ session }) => {
        const problem = await testSignOn(deps, session)
        return { test: { isUsable: problem === undefined, problem: problem ?? null } }
      },
    ),
  )
}

const status = { unauthenticated: 401, "not-found": 404, unavailable: 503 } as const

/** A browser sees a refusal as a page; programs, and anything unforeseen, are left to the boundary. */
async function withErrorPage(
  request: FastifyRequest,
  work: () => Promise<PageAnswer>,
  command?: WaitingCommand,
): Promise<PageAnswer> {
  try {
    return await work()
  } catch (error) {
    const isBrowser = request.headers.accept?.includes("text/html") === true
    if (!isBrowser || !(error instanceof AppError)) throw error
    const link = command === undefined ? {} : { link: commandUrl(command, { error: "refused" }) }
    const html = page({ title: "Not logged in", text: error.message, ...link })
    return { status: status[error.kind as keyof typeof status] ?? 400, html }
  }
}

/** Sent back only to the addresses of single sign-on, also when the provider's page leads here. */
function flowCookie(deps: Deps, request: FastifyRequest, value: string): string {
  const secure = deps.isHttps || request.protocol === "https"
  const maxAge = value === "" ? 0 : flowLifetimeMs / 1_000
  const rules = { path: cookiePath, httpOnly: true, sameSite: "lax", secure, maxAge } as const
  return stringifySetCookie({ name: cookieName, value, ...rules })
}

function present(deps: Deps, { signOn, organization }: ShownSignOn): OidcObject {
  const { siteUrl } = deps
  return {
    orgId: signOn.orgId,
    organizationSlug: organization.slug,
    issuer: signOn.issuer,
    clientId: signOn.clientId,
    allowedEmailDomains: [...signOn.allowedEmailDomains],
    defaultRole: signOn.defaultRole,
    isActive: signOn.isActive,
    loginUrl: siteUrl === undefined ? null : siteUrl + loginPath(organization.slug),
    redirectUrl: siteUrl === undefined ? null : siteUrl + callbackPath,
    createdAt: isoTime(signOn.createdAt),
    updatedAt: isoTime(signOn.updatedAt),
  }
}
