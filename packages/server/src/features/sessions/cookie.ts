import { parseCookie, stringifySetCookie } from "cookie"
import type { FastifyRequest } from "fastify"
import { AnswerWithCookie } from "../../http/index.ts"
import type { SessionTokens } from "./service.ts"

/** The name that clients of the contract look for (1.13). */
const name = "jid"

export type CookieDeps = {
  /** True when people reach this server over https, whatever the connection to the proxy is. */
  readonly isHttps: boolean
}

/** The refresh token that a request carries in its cookie; `undefined` when there is none. */
export function refreshTokenOf(request: FastifyRequest): string | undefined {
  const header = request.headers.cookie
  const value = header === undefined ? undefined : parseCookie(header)[name]
  return value === "" ? undefined : value
}

/** An answer that leaves the session's refresh token in a cookie that scripts cannot read and other sites cannot send. */
export function withRefreshCookie(
  deps: CookieDeps,
  request: FastifyRequest,
  tokens: SessionTokens,
  body: object,
): object {
  const cookie = refreshCookie(deps, request, tokens)
  return cookie === undefined ? body : new AnswerWithCookie(body, cookie)
}

/** The cookie of {@link withRefreshCookie} as a header has it; `undefined` when the client keeps the one it has. */
export function refreshCookie(
  deps: CookieDeps,
  request: FastifyRequest,
  tokens: Pick<SessionTokens, "refreshToken" | "expiresAt">,
): string | undefined {
  if (tokens.refreshToken === undefined) return undefined
  const cookie = { value: tokens.refreshToken, expires: new Date(tokens.expiresAt) }
  return cookieText(deps, request, cookie)
}

/** An answer that takes the cookie away. */
export function withoutRefreshCookie(deps: CookieDeps, request: FastifyRequest, body: object): object {
  return new AnswerWithCookie(body, cookieText(deps, request, { value: "", expires: new Date(0) }))
}

function cookieText(
  deps: CookieDeps,
  request: FastifyRequest,
  cookie: { readonly value: string; readonly expires: Date },
): string {
  const secure = deps.isHttps || request.protocol === "https"
  return stringifySetCookie({ name, ...cookie, path: "/", httpOnly: true, sameSite: "strict", secure })
}
