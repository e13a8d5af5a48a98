import type { AuditActor, AuditEvent, AuditSource } from "../../audit/audit-event.ts"
import type { Writer, WriteScope } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { endEpoch, type MetadataOf, type ReadDeps } from "../../use-case/index.ts"
import { findUser } from "../users/index.ts"
import {
  type AuthMethod,
  judgeRefresh,
  type RefreshVerdict,
  type SecondFactor,
  type Session,
} from "./domain.ts"
import { insertSession, lockSession, revokeSessions, rotateRefreshToken } from "./store.ts"
import {
  type RefreshClaims,
  readRefreshToken,
  type SignerDeps,
  signAccessToken,
  signRefreshToken,
  type TokenSubject,
} from "./tokens.ts"

export type SessionsDeps = ReadDeps & SignerDeps

/** Whose session is opened, how they proved who they are, and from where. */
export type SessionOrder = {
  readonly user: { readonly id: string; readonly email: string }
  readonly authMethod: AuthMethod
  /** `null` when none was shown, whether or not one is due. */
  readonly secondFactor: SecondFactor | null
  readonly source: AuditSource
  /** An organization in which the user is an active member; "" or absent when it is chosen later. */
  readonly orgId?: string
  /** A command line keeps its access token; a browser comes back with its cookie soon. */
  readonly isForCommandLine?: boolean
}

/** What a person's client gets: the access token for the body, the refresh token for the cookie alone. */
export type SessionTokens = {
  readonly accessToken: string
  /** `undefined` when the client keeps the one it has. */
  readonly refreshToken: string | undefined
  /** Milliseconds. */
  readonly expiresAt: number
}

/**
 * Opens a session inside the caller's write, which audits the login. The tokens are signed with {@link signSession} once
 * the write is durable.
 */
export async function draftSession(
  deps: Pick<SessionsDeps, "random" | "lifetimes">,
  db: Writer,
  order: SessionOrder,
  now: number,
): Promise<TokenSubject> {
  const session: Session = {
    id: deps.random.uuid(),
    userId: order.user.id,
    authMethod: order.authMethod,
    secondFactor: order.secondFactor,
    refreshVersion: 1,
    refreshedAt: now,
    ipAddress: order.source.ipAddress,
    userAgent: order.source.userAgent,
    createdAt: now,
    expiresAt: now + deps.lifetimes.sessionSeconds * 1_000,
    revokedAt: null,
  }
  await insertSession(db, session)
  const { email } = order.user
  const isForCommandLine = order.isForCommandLine ?? false
  return { session, email, orgId: order.orgId ?? "", isForCommandLine }
}

/** The tokens of a session that is durable. */
export async function signSession(
  deps: SignerDeps & Pick<SessionsDeps, "clock">,
  of: TokenSubject,
): Promise<SessionTokens> {
  const now = deps.clock.now()
  return {
    accessToken: await signAccessToken(deps, of, now),
    refreshToken: await signRefreshToken(deps, of, now),
    expiresAt: of.session.expiresAt,
  }
}

/**
 * A new access token for whoever holds the newest refresh token of a session. That token is used up by it; one that comes
 * again ends the session.
 *
 * @throws AppError "unauthenticated", with one text for every cause
 */
export async function refreshSession(
  deps: SessionsDeps,
  source: AuditSource,
  refreshToken: string | undefined,
): Promise<SessionTokens & { readonly orgId: string }> {
  const claims = refreshToken === undefined ? undefined : await readRefreshToken(deps.keyring, refreshToken)
  if (claims === undefined) throw mustLogIn()
  const refreshed = await deps.database.write(async (scope) => {
    const session = await lockSession(scope.db, claims.userId, claims.sessionId)
    const user = session === undefined ? undefined : await findUser(scope.db, claims.userId)
    if (session === undefined || user === undefined) return undefined
    const now = deps.clock.now()
    const verdict = judgeRefresh(session, claims.version, now)
    const orgId = claims.orgId
    if (verdict.kind === "reused") {
      const actor = actorOf(user, session)
      await endSessions(deps, scope, { userId: user.id, id: session.id })
      scope.audit(sessionEvent(deps, { type: "reuse-user-session", orgId, actor, source }, aboutOne(session)))
    }
    return await renewed(scope.db, { session, user, verdict, claims, now })
  })
  if (refreshed === undefined) throw mustLogIn()
  const tokens = await signSession(deps, refreshed.subject)
  const newRefreshToken = refreshed.isRotated ? tokens.refreshToken : undefined
  return { ...tokens, refreshToken: newRefreshToken, orgId: refreshed.subject.orgId }
}

async function renewed(
  db: Writer,
  of: {
    readonly session: Session
    readonly user: { readonly email: string }
    readonly verdict: RefreshVerdict
    readonly claims: RefreshClaims
    readonly now: number
  },
): Promise<{ readonly subject: TokenSubject; readonly isRotated: boolean } | undefined> {
  const { session, verdict, claims, now } = of
  if (verdict.kind !== "rotate" && verdict.kind !== "repeat") return undefined
  const subject = { email: of.user.email, orgId: claims.orgId, isForCommandLine: claims.isForCommandLine }
  if (verdict.kind === "repeat") return { subject: { ...subject, session }, isRotated: false }
  const version = session.refreshVersion + 1
  await rotateRefreshToken(db, session.id, { version, now })
  const rotated = { ...session, refreshVersion: version, refreshedAt: now }
  return { subject: { ...subject, session: rotated }, isRotated: true }
}

/** Ends sessions inside the caller's write: their tokens are dead once it is durable. Returns how many ended. */
export async function endSessions(
  deps: Pick<ReadDeps, "actors" | "signal" | "clock">,
  write: Pick<WriteScope, "db" | "afterCommit">,
  which: Parameters<typeof revokeSessions>[1],
): Promise<number> {
  const ended = await revokeSessions(write.db, which, deps.clock.now())
  if (ended > 0) {
    const afterCommit = (effect: () => void) => write.afterCommit(effect)
    await endEpoch(deps, { db: write.db, afterCommit }, [which.userId])
  }
  return ended
}

/** Logs out whoever holds this refresh token, however old; `false` when it names no session. */
export async function endSessionOfCookie(
  deps: SessionsDeps,
  source: AuditSource,
  refreshToken: string,
): Promise<boolean> {
  const claims = await readRefreshToken(deps.keyring, refreshToken)
  if (claims === undefined) return false
  return await deps.database.write(async (scope) => {
    const session = await lockSession(scope.db, claims.userId, claims.sessionId)
    const user = session === undefined ? undefined : await findUser(scope.db, claims.userId)
    if (session === undefined || user === undefined) return false
    const ended = await endSessions(deps, scope, { userId: user.id, id: session.id })
    if (ended > 0) {
      const of = { type: "user-logout", orgId: claims.orgId, actor: actorOf(user, session), source } as const
      scope.audit(sessionEvent(deps, of, aboutOne(session)))
    }
    return true
  })
}

function sessionEvent<T extends "reuse-user-session" | "user-logout">(
  deps: Pick<ReadDeps, "clock" | "random">,
  of: {
    readonly type: T
    readonly orgId: string
    readonly actor: AuditActor
    readonly source: AuditSource
  },
  metadata: MetadataOf<T>,
): AuditEvent {
  const at = { id: deps.random.uuid(), at: deps.clock.now(), projectId: null }
  return { ...at, ...of, metadata: metadata as AuditEvent["metadata"] }
}

function actorOf(user: { readonly id: string; readonly email: string }, session: Session): AuditActor {
  return { type: "user", id: user.id, name: user.email, authMethod: session.authMethod }
}

function aboutOne(session: Session) {
  return { sessionId: session.id, userId: session.userId }
}

function mustLogIn(): AppError {
  return new AppError("unauthenticated", "UnauthorizedError", "The session is over: log in again")
}
