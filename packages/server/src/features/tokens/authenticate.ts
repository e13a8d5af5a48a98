import { hash } from "node:crypto"
import type { Actor, Leniency, Session } from "../../actor.ts"
import type { AuditSource } from "../../audit/audit-event.ts"
import { type ActorRecord, BoundedMap, type TokenRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import { isInRanges } from "../../network-address.ts"
import { type ReadDeps, refusalEvent } from "../../use-case/index.ts"
import { consumeUse } from "./store.ts"

export type AuthenticateDeps = ReadDeps & { readonly keyring: Keyring }

export type Origin = { readonly source: AuditSource; readonly route: string }

const strict: Leniency = {}

/** What a token whose signature is right says. */
type VerifiedToken = {
  readonly kind: Actor["kind"]
  readonly actorId: string
  readonly actorName: string
  /** "" in a user's token before an organization was chosen. */
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
   * Who sent this `Authorization` header: an identity or a user. Consumes one use of a token whose uses are limited.
   *
   * @throws AppError "unauthenticated" or "forbidden" (contract 2.2); in the audit log when the token was ours
   */
  authenticate(
    authorization: string | undefined,
    origin: Origin,
    leniency: Leniency = strict,
  ): Session | Promise<Session> {
    const token = bearerToken(authorization)
    const digest = hash("sha256", token, "base64")
    const verified = this.#verified.get(digest)
    if (verified !== undefined) {
      const record = this.#deps.actors.peek(verified.actorId)
      const state = record?.tokens.get(verified.tokenId)
      if (record !== undefined && state !== undefined && state.usesLimit === 0) {
        const isFine =
          problemOf({ verified, record, state, origin, leniency, now: this.#deps.clock.now() }) === undefined
        if (isFine) return this.#session(verified, record, origin, leniency)
      }
    }
    return this.#authenticateSlowly(verified ?? token, { digest, origin, leniency })
  }

  async #authenticateSlowly(
    known: VerifiedToken | string,
    at: { readonly digest: string; readonly origin: Origin; readonly leniency: Leniency },
  ): Promise<Session> {
    const verified = typeof known === "string" ? await this.#verify(known) : known
    this.#verified.set(at.digest, verified)
    const session = await this.#judge(verified, at.origin, at.leniency)
    const record = this.#deps.actors.peek(verified.actorId)
    const state = record === undefined ? undefined : record.tokens.get(verified.tokenId)
    if (state !== undefined && state.usesLimit > 0) await this.#consume(verified, session)
    return session
  }

  /** Judges by the cache; before refusing, judges again by the database. */
  async #judge(verified: VerifiedToken, origin: Origin, leniency: Leniency): Promise<Session> {
    const cached = await this.#deps.actors.get(verified.actorId)
    if ((await this.#problem(verified, cached, origin, leniency)) === undefined && cached !== undefined) {
      return this.#session(verified, cached, origin, leniency)
    }
    const current = await this.#deps.actors.reload(verified.actorId)
    const problem = await this.#problem(verified, current, origin, leniency)
    if (problem === undefined && current !== undefined)
      return this.#session(verified, current, origin, leniency)
    const error = problem ?? unknownActor(verified.kind)
    await this.#record(verified, origin, error)
    throw error
  }

  async #problem(
    verified: VerifiedToken,
    record: ActorRecord | undefined,
    origin: Origin,
    leniency: Leniency,
  ): Promise<AppError | undefined> {
    if (record === undefined || record.kind !== verified.kind) return unknownActor(verified.kind)
    const state = await this.#deps.actors.tokenOf(record, verified.tokenId)
    return problemOf({ verified, record, state, origin, leniency, now: this.#deps.clock.now() })
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

  #session(verified: VerifiedToken, record: ActorRecord, origin: Origin, leniency: Leniency): Session {
    const organization = record.organizations.get(verified.orgId)
    const actor: Actor = {
      kind: record.kind,
      id: record.id,
      name: record.name,
      orgId: verified.orgId,
      orgRole: organization?.role ?? "no-access",
      authMethod: verified.authMethod,
      tokenId: verified.tokenId,
      epoch: record.epoch,
      memberships: organization?.memberships ?? noMemberships,
    }
    const { source, route } = origin
    return { actor, source, route, refresh: () => this.#judge(verified, origin, leniency) }
  }

  async #record(verified: VerifiedToken, origin: Origin, error: AppError): Promise<void> {
    const actor: Actor = {
      kind: verified.kind,
      id: verified.actorId,
      name: verified.actorName,
      orgId: verified.orgId,
      orgRole: "no-access",
      authMethod: verified.authMethod,
      tokenId: verified.tokenId,
      epoch: 0,
      memberships: noMemberships,
    }
    const session = { actor, ...origin, refresh: () => this.#judge(verified, origin, strict) }
    const event = refusalEvent(this.#deps, session, error, null)
    await this.#deps.database.record([event], { projectIds: [], actorIds: [] })
  }
}

const noMemberships: Actor["memberships"] = new Map()

type Judged = {
  readonly verified: VerifiedToken
  readonly record: ActorRecord
  readonly state: TokenRecord
  readonly origin: Origin
  readonly leniency: Leniency
  readonly now: number
}

/** The checks of contract 2.2, in its order; `undefined` when all pass. */
function problemOf(judged: Judged): AppError | undefined {
  const { verified, record, state, origin, now } = judged
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
  const mayLackOrganization = judged.leniency.withoutOrganization === true && verified.orgId === ""
  if (!mayLackOrganization && !record.organizations.has(verified.orgId)) {
    return verified.orgId === "" ? organizationNotChosen() : unknownActor(verified.kind)
  }
  if (state.trustedIps !== undefined && !isInRanges(origin.source.ipAddress, state.trustedIps)) {
    return new AppError(
      "forbidden",
      "ForbiddenError",
      "You are not allowed to access this resource from the current IP address",
    )
  }
  if (record.needsSecondFactor && !state.hasSecondFactor && judged.leniency.withoutSecondFactor !== true) {
    return new AppError(
      "unauthenticated",
      "SecondFactorRequired",
      "This session needs a second factor: send a code to POST /api/v2/auth/mfa/verify, or use a passkey",
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

function unknownActor(kind: Actor["kind"]): AppError {
  return new AppError(
    "unauthenticated",
    "UnauthorizedError",
    `The ${kind} of this token is not an active member of its organization`,
  )
}

function organizationNotChosen(): AppError {
  return new AppError(
    "forbidden",
    "ForbiddenError",
    "This session has no organization yet: choose one with POST /api/v3/auth/select-organization",
  )
}

/** `undefined` unless these are the claims of an access token: a refresh token, say, opens nothing here. */
function readClaims(claims: Readonly<Record<string, unknown>>): VerifiedToken | undefined {
  const { exp, authMethod, authTokenType } = claims
  if (exp !== undefined && typeof exp !== "number") return undefined
  const known = { method: textOf(authMethod) ?? "", expiresAt: exp === undefined ? Infinity : exp * 1_000 }
  if (authTokenType === "identityAccessToken") return identityToken(claims, known)
  return authTokenType === "accessToken" && exp !== undefined ? userToken(claims, known) : undefined
}

type KnownClaims = { readonly method: string; readonly expiresAt: number }

function identityToken(
  claims: Readonly<Record<string, unknown>>,
  { method: authMethod, expiresAt }: KnownClaims,
): VerifiedToken | undefined {
  const [actorId, orgId, tokenId] = [claims["identityId"], claims["orgId"], claims["jti"]].map(textOf)
  if (actorId === undefined || orgId === undefined || orgId === "" || tokenId === undefined) return undefined
  const actorName = textOf(claims["identityName"]) ?? ""
  return { kind: "identity", actorId, actorName, orgId, authMethod, tokenId, expiresAt }
}

function userToken(
  claims: Readonly<Record<string, unknown>>,
  { method: authMethod, expiresAt }: KnownClaims,
): VerifiedToken | undefined {
  const [actorId, tokenId] = [claims["userId"], claims["tokenVersionId"]].map(textOf)
  if (actorId === undefined || tokenId === undefined) return undefined
  const orgId = textOf(claims["organizationId"]) ?? ""
  const actorName = textOf(claims["email"]) ?? ""
  return { kind: "user", actorId, actorName, orgId, authMethod, tokenId, expiresAt }
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === "string" ? claim : undefined
}
