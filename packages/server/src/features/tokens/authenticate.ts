import { hash } from "node:crypto"
import type { IdentityActor, Session } from "../../actor.ts"
import type { AuditSource } from "../../audit/audit-event.ts"
import { type ActorRecord, BoundedMap, type TokenRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import { isInRanges } from "../../network-address.ts"
import { type ReadDeps, refusalEvent } from "../../use-case/index.ts"
import { consumeUse } from "./store.ts"

export type AuthenticateDeps = ReadDeps & { readonly keyring: Keyring }

export type Origin = { readonly source: AuditSource; readonly route: string }

/** What a token whose signature is right says. */
type VerifiedToken = {
  readonly identityId: string
  readonly identityName: string
  readonly orgId: string
  readonly authMethod: string
  readonly tokenId: string
  /** Milliseconds; infinite when the token has no end. */
  readonly expiresAt: number
}

const maxTokenLength = 16 * 1024

/**
 * Judges access tokens. A signature is verified once; the token is remembered by its SHA-256, stored nowhere.
 * Everything else (revoked, member, source address, uses) is judged at every request.
 */
export class TokenAuthenticator {
  readonly #deps: AuthenticateDeps
  readonly #verified = new BoundedMap<string, VerifiedToken>(20_000)

  constructor(deps: AuthenticateDeps) {
    this.#deps = deps
  }

  /**
   * Who sent this `Authorization` header. Consumes one use of a token whose uses are limited.
   *
   * @throws AppError "unauthenticated" or "forbidden" (contract 2.2); in the audit log when the token was ours
   */
  authenticate(authorization: string | undefined, origin: Origin): Session | Promise<Session> {
    const token = bearerToken(authorization)
    const digest = hash("sha256", token, "base64")
    const verified = this.#verified.get(digest)
    if (verified !== undefined) {
      const record = this.#deps.actors.peek(verified.identityId)
      const state = record?.tokens.get(verified.tokenId)
      if (record !== undefined && state !== undefined && state.usesLimit === 0) {
        const isFine =
          problemOf({ verified, record, state, origin, now: this.#deps.clock.now() }) === undefined
        if (isFine) return this.#session(verified, record, origin)
      }
    }
    return this.#authenticateSlowly(verified ?? token, digest, origin)
  }

  async #authenticateSlowly(known: VerifiedToken | string, digest: string, origin: Origin): Promise<Session> {
    const verified = typeof known === "string" ? await this.#verify(known) : known
    this.#verified.set(digest, verified)
    const session = await this.#judge(verified, origin)
    const record = this.#deps.actors.peek(verified.identityId)
    const state = record === undefined ? undefined : record.tokens.get(verified.tokenId)
    if (state !== undefined && state.usesLimit > 0) await this.#consume(verified, session)
    return session
  }

  /** Judges by the cache; before refusing, judges again by the database. */
  async #judge(verified: VerifiedToken, origin: Origin): Promise<Session> {
    const cached = await this.#deps.actors.get(verified.identityId)
    if ((await this.#problem(verified, cached, origin)) === undefined && cached !== undefined) {
      return this.#session(verified, cached, origin)
    }
    const current = await this.#deps.actors.reload(verified.identityId)
    const problem = await this.#problem(verified, current, origin)
    if (problem === undefined && current !== undefined) return this.#session(verified, current, origin)
    const error = problem ?? unknownIdentity()
    await this.#record(verified, origin, error)
    throw error
  }

  async #problem(
    verified: VerifiedToken,
    record: ActorRecord | undefined,
    origin: Origin,
  ): Promise<AppError | undefined> {
    if (record === undefined) return unknownIdentity()
    const state = await this.#deps.actors.tokenOf(record, verified.tokenId)
    return problemOf({ verified, record, state, origin, now: this.#deps.clock.now() })
  }

  async #consume(verified: VerifiedToken, session: Session): Promise<void> {
    const now = this.#deps.clock.now()
    const isCounted = await this.#deps.database.write(({ db }) => consumeUse(db, verified.tokenId, now))
    if (isCounted) return
    const error = new AppError(
      "unauthenticated",
      "UnauthorizedError",
      "Failed to authorize: the token has no uses left",
    )
    await this.#record(verified, session, error)
    throw error
  }

  async #verify(token: string): Promise<VerifiedToken> {
    const claims = await this.#deps.keyring.verifyToken(token)
    const verified = claims === undefined ? undefined : readClaims(claims)
    if (verified === undefined) {
      throw new AppError(
        "forbidden",
        "TokenError",
        "The access token is malformed or was not issued by this server",
      )
    }
    return verified
  }

  #session(verified: VerifiedToken, record: ActorRecord, origin: Origin): Session {
    const actor: IdentityActor = {
      kind: "identity",
      id: record.id,
      name: record.name,
      orgId: record.orgId,
      orgRole: record.orgRole ?? "no-access",
      authMethod: verified.authMethod,
      tokenId: verified.tokenId,
      epoch: record.epoch,
      memberships: record.memberships,
    }
    const { source, route } = origin
    return { actor, source, route, refresh: () => this.#judge(verified, origin) }
  }

  async #record(verified: VerifiedToken, origin: Origin, error: AppError): Promise<void> {
    const actor: IdentityActor = {
      kind: "identity",
      id: verified.identityId,
      name: verified.identityName,
      orgId: verified.orgId,
      orgRole: "no-access",
      authMethod: verified.authMethod,
      tokenId: verified.tokenId,
      epoch: 0,
      memberships: new Map(),
    }
    const session = { actor, ...origin, refresh: () => this.#judge(verified, origin) }
    const event = refusalEvent(this.#deps, session, error, null)
    await this.#deps.database.record([event], { projectIds: [], identityIds: [] })
  }
}

type Judged = {
  readonly verified: VerifiedToken
  readonly record: ActorRecord
  readonly state: TokenRecord
  readonly origin: Origin
  readonly now: number
}

/** The checks of contract 2.2, in its order; `undefined` when all pass. */
function problemOf({ verified, record, state, origin, now }: Judged): AppError | undefined {
  if (verified.expiresAt <= now) {
    return new AppError(
      "unauthenticated",
      "UnauthorizedError",
      "Your token has expired. Please re-authenticate.",
    )
  }
  if (state.isRevoked) {
    return new AppError("unauthenticated", "UnauthorizedError", "Failed to authorize: token has been revoked")
  }
  if (record.orgRole === undefined || record.orgId !== verified.orgId) return unknownIdentity()
  if (!isInRanges(origin.source.ipAddress, state.trustedIps)) {
    return new AppError(
      "forbidden",
      "ForbiddenError",
      "You are not allowed to access this resource from the current IP address",
    )
  }
  return undefined
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined || !/^bearer /i.test(authorization)) {
    throw new AppError("unauthenticated", "TokenMissing", "Token missing")
  }
  const token = authorization.slice(7).trim()
  if (token === "") throw new AppError("unauthenticated", "TokenMissing", "Token missing")
  if (token.length > maxTokenLength) {
    throw new AppError("forbidden", "TokenError", "The access token is malformed")
  }
  return token
}

function unknownIdentity(): AppError {
  return new AppError(
    "unauthenticated",
    "UnauthorizedError",
    "The identity of this token is not an active member of its organization",
  )
}

function readClaims(claims: Readonly<Record<string, unknown>>): VerifiedToken | undefined {
  const { identityId, identityName, orgId, authMethod, jti, exp, authTokenType } = claims
  if (authTokenType !== "identityAccessToken") return undefined
  if (typeof identityId !== "string" || typeof orgId !== "string" || typeof jti !== "string") return undefined
  if (exp !== undefined && typeof exp !== "number") return undefined
  return {
    identityId,
    identityName: typeof identityName === "string" ? identityName : "",
    orgId,
    authMethod: typeof authMethod === "string" ? authMethod : "",
    tokenId: jti,
    expiresAt: exp === undefined ? Number.POSITIVE_INFINITY : exp * 1_000,
  }
}
