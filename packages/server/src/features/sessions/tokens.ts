import type { Keyring } from "../../keyring/keyring.ts"
import { type Session, type SessionLifetimes, tokenEnd } from "./domain.ts"

/** What the tokens of a session say besides naming it. */
export type TokenSubject = {
  readonly session: Session
  readonly email: string
  /** "" before an organization was chosen. */
  readonly orgId: string
  readonly isForCommandLine: boolean
}

export type SignerDeps = { readonly keyring: Keyring; readonly lifetimes: SessionLifetimes }

/** The claims of contract 2.2 for a user. */
export async function signAccessToken(deps: SignerDeps, of: TokenSubject, now: number): Promise<string> {
  const { session, email, orgId, isForCommandLine } = of
  const end = tokenEnd(session, deps.lifetimes, { now, isForCommandLine })
  return deps.keyring.signToken({
    authTokenType: "accessToken",
    authMethod: session.authMethod,
    userId: session.userId,
    email,
    tokenVersionId: session.id,
    accessVersion: 1,
    ...(orgId === "" ? {} : { organizationId: orgId }),
    isMfaVerified: session.secondFactor !== null,
    iat: Math.floor(now / 1_000),
    exp: Math.floor(end / 1_000),
  })
}

/** A token that opens nothing but POST /v1/auth/token, once. It lives in a cookie. */
export async function signRefreshToken(deps: SignerDeps, of: TokenSubject, now: number): Promise<string> {
  const { session, orgId } = of
  return deps.keyring.signToken({
    authTokenType: "refreshToken",
    userId: session.userId,
    tokenVersionId: session.id,
    refreshVersion: session.refreshVersion,
    ...(orgId === "" ? {} : { organizationId: orgId }),
    ...(of.isForCommandLine ? { isForCommandLine: true } : {}),
    iat: Math.floor(now / 1_000),
    exp: Math.floor(session.expiresAt / 1_000),
  })
}

export type RefreshClaims = {
  readonly userId: string
  readonly sessionId: string
  readonly version: number
  readonly orgId: string
  readonly isForCommandLine: boolean
}

/** `undefined` unless this server signed it as a refresh token. Whether it still counts, its session says. */
export async function readRefreshToken(keyring: Keyring, token: string): Promise<RefreshClaims | undefined> {
  if (token.length > maxTokenLength) return undefined
  const claims = await keyring.verifyToken(token)
  if (claims?.["authTokenType"] !== "refreshToken") return undefined
  const { userId, tokenVersionId: sessionId, refreshVersion: version, organizationId } = claims
  if (typeof userId !== "string" || typeof sessionId !== "string" || typeof version !== "number") {
    return undefined
  }
  const orgId = typeof organizationId === "string" ? organizationId : ""
  return { userId, sessionId, version, orgId, isForCommandLine: claims["isForCommandLine"] === true }
}

const maxTokenLength = 4_096
