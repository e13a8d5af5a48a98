import type { AccessTokenAnswer, AccessTokenClaims } from "@coffer/contract"
import type { AuditActor, AuditEvent, AuditSource } from "../../audit/audit-event.ts"
import type { Writer } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { isInRanges } from "../../network-address.ts"
import { endEpoch } from "../../use-case/index.ts"
import type { AuthenticateDeps } from "./authenticate.ts"
import { issuedLifetimeSeconds, type TokenLimits } from "./domain.ts"
import { extendToken, findToken, insertToken, revokeTokens, type TokenFamily } from "./store.ts"

export type TokensDeps = AuthenticateDeps & {
  /** `MAX_MACHINE_IDENTITY_TOKEN_AGE`; 0 = none. */
  readonly tokenCeilingSeconds: number
}

/** Whose token is made, and how. */
export type TokenOrder = TokenLimits & {
  readonly orgId: string
  readonly identityId: string
  readonly identityName: string
  readonly authMethodId: string
  readonly method: string
  readonly clientSecretId: string | null
  readonly usesLimit: number
  readonly name?: string
}

/** A token whose row is in the transaction and whose JWT is signed after it commits. */
export type TokenDraft = {
  readonly id: string
  readonly claims: AccessTokenClaims & Readonly<Record<string, unknown>>
  readonly expiresIn: number
  readonly maxTtlSeconds: number
}

/** Inserts the row of a new token. The caller signs the draft with {@link signDraft} once the write is durable. */
export async function draftToken(
  deps: TokensDeps,
  db: Writer,
  order: TokenOrder,
  now: number,
): Promise<TokenDraft> {
  const id = deps.random.uuid()
  const limits = { ...order, maxTtlSeconds: order.periodSeconds > 0 ? 0 : order.maxTtlSeconds }
  const ceilingSeconds = deps.tokenCeilingSeconds
  const lifetime = issuedLifetimeSeconds(limits, { createdAt: now, now, ceilingSeconds }) ?? 1
  await insertToken(db, {
    ...limits,
    id,
    name: order.name ?? null,
    createdAt: now,
    expiresAt: lifetime === 0 ? null : now + lifetime * 1_000,
  })
  return draftOf({ ...limits, id, createdAt: now }, lifetime, now)
}

export function signDraft(deps: TokensDeps, draft: TokenDraft): AccessTokenAnswer {
  return {
    accessToken: deps.keyring.signToken(draft.claims),
    expiresIn: draft.expiresIn,
    accessTokenMaxTTL: draft.maxTtlSeconds,
    tokenType: "Bearer",
  }
}

function draftOf(
  family: TokenOrder & { readonly id: string; readonly createdAt: number },
  lifetimeSeconds: number,
  now: number,
): TokenDraft {
  const iat = Math.floor(now / 1_000)
  const claims = {
    identityId: family.identityId,
    identityName: family.identityName,
    authMethod: family.method,
    orgId: family.orgId,
    rootOrgId: family.orgId,
    parentOrgId: family.orgId,
    clientSecretId: family.clientSecretId ?? "",
    identityAccessTokenId: family.id,
    authTokenType: "identityAccessToken" as const,
    ipRestrictionEnabled: false,
    accessTokenTTL: family.ttlSeconds,
    accessTokenMaxTTL: family.maxTtlSeconds,
    accessTokenPeriod: family.periodSeconds,
    creationEpoch: Math.floor(family.createdAt / 1_000),
    identityAuth: {},
    ...(family.usesLimit > 0 ? { numUsesLimit: family.usesLimit } : {}),
    jti: family.id,
    iat,
    ...(lifetimeSeconds === 0 ? {} : { exp: iat + lifetimeSeconds }),
  }
  return { id: family.id, claims, expiresIn: lifetimeSeconds, maxTtlSeconds: family.maxTtlSeconds }
}

/**
 * A new JWT of the same family (contract 2.3). The old one stays valid until its own end; no use is consumed.
 *
 * @throws AppError "unauthenticated" when the token is not ours, expired, revoked, or its budget is spent
 */
export async function renewToken(
  deps: TokensDeps,
  source: AuditSource,
  accessToken: string,
): Promise<AccessTokenAnswer> {
  const claims = await deps.keyring.verifyToken(accessToken)
  const now = deps.clock.now()
  if (typeof claims?.["jti"] !== "string") throw refused("Cannot renew: the access token is not valid")
  if (typeof claims["exp"] === "number" && claims["exp"] * 1_000 <= now) {
    throw refused("Cannot renew: identity access token has expired")
  }
  const id = claims["jti"]
  const draft = await deps.database.write(async (scope) => {
    const family = await findToken(scope.db, id)
    if (family === undefined || family.isRevoked) throw refused("Cannot renew: token has been revoked")
    await requireTrustedSource(deps, family, source)
    const ceilingSeconds = deps.tokenCeilingSeconds
    const lifetime = issuedLifetimeSeconds(family, { createdAt: family.createdAt, now, ceilingSeconds })
    if (lifetime === undefined) throw refused("Cannot renew: identity access token has reached its max TTL")
    await extendToken(scope.db, id, { expiresAt: lifetime === 0 ? null : now + lifetime * 1_000, now })
    scope.audit(tokenEvent(deps, family, source, "renew-identity-access-token"))
    return draftOf({ ...family, name: family.name ?? "" }, lifetime, now)
  })
  return signDraft(deps, draft)
}

/**
 * Revokes a token family; once more is no error (contract 2.4). An expired token may still be revoked.
 *
 * @throws AppError "unauthenticated" when this server never signed the token
 */
export async function revokeToken(deps: TokensDeps, source: AuditSource, accessToken: string): Promise<void> {
  const claims = await deps.keyring.verifyToken(accessToken)
  const id = claims?.["jti"]
  if (typeof id !== "string") throw refused("Cannot revoke: the access token is not valid")
  await deps.database.write(async (scope) => {
    const family = await findToken(scope.db, id)
    if (family === undefined || family.isRevoked) return
    await revokeTokens(scope.db, { id }, deps.clock.now())
    const write = { db: scope.db, afterCommit: (effect: () => void) => scope.afterCommit(effect) }
    await endEpoch(deps, write, [family.identityId])
    scope.audit(tokenEvent(deps, family, source, "revoke-identity-access-token"))
  })
}

/** Renewing is bound to the sources that may use the token. */
async function requireTrustedSource(
  deps: TokensDeps,
  family: TokenFamily,
  source: AuditSource,
): Promise<void> {
  const record = await deps.actors.get(family.identityId)
  if (record?.organizations.has(family.orgId) !== true) {
    throw refused("Cannot renew: the identity is not active")
  }
  const state = await deps.actors.tokenOf(record, family.id)
  if (state.isRevoked) throw refused("Cannot renew: token has been revoked")
  if (state.trustedIps === undefined || isInRanges(source.ipAddress, state.trustedIps)) return
  throw new AppError(
    "forbidden",
    "ForbiddenError",
    "You are not allowed to access this resource from the current IP address",
  )
}

function tokenEvent(
  deps: TokensDeps,
  family: TokenFamily,
  source: AuditSource,
  type: "renew-identity-access-token" | "revoke-identity-access-token",
): AuditEvent {
  const actor: AuditActor = {
    type: "identity",
    id: family.identityId,
    name: family.identityName,
    authMethod: family.method,
  }
  return {
    id: deps.random.uuid(),
    at: deps.clock.now(),
    type,
    orgId: family.orgId,
    projectId: null,
    actor,
    source,
    metadata: { identityId: family.identityId, identityAccessTokenId: family.id },
  }
}

function refused(message: string): AppError {
  return new AppError("unauthenticated", "UnauthorizedError", message)
}
