/** Sessions of people: how long they and their tokens live, and what a refresh token that comes twice means. Pure. */

export type AuthMethod = "password" | "passkey" | "oidc"
/** How a second factor was shown. */
export type SecondFactor = "totp" | "recovery-code" | "passkey"

export type Session = {
  readonly id: string
  readonly userId: string
  readonly authMethod: string
  readonly secondFactor: string | null
  /** Of the newest refresh token. */
  readonly refreshVersion: number
  readonly refreshedAt: number
  readonly ipAddress: string
  readonly userAgent: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt: number | null
}

/** Seconds. */
export type SessionLifetimes = {
  /** From login until the person must log in again, whatever was refreshed (`JWT_REFRESH_LIFETIME`). */
  readonly sessionSeconds: number
  /** Of an access token for a command line, which keeps no cookie (`JWT_AUTH_LIFETIME`). */
  readonly commandLineTokenSeconds: number
}

const shortTokenSeconds = 60 * 60

/** When an access token made at `now` ends: with its session at the latest. */
export function tokenEnd(
  session: Pick<Session, "expiresAt">,
  lifetimes: SessionLifetimes,
  at: { readonly now: number; readonly isForCommandLine: boolean },
): number {
  const long = lifetimes.commandLineTokenSeconds
  const seconds = at.isForCommandLine ? long : Math.min(long, shortTokenSeconds)
  return Math.min(session.expiresAt, at.now + seconds * 1_000)
}

/**
 * Two tabs may refresh at once, and an answer may get lost: for this long the token before the newest is answered with
 * an access token, and with no refresh token.
 */
const reuseGraceMs = 10_000

export type RefreshVerdict =
  | { readonly kind: "rotate" }
  | { readonly kind: "repeat" }
  /** Somebody has a copy: the thief or the owner, nobody can tell, so the session ends. */
  | { readonly kind: "reused" }
  | { readonly kind: "over" }

export function judgeRefresh(session: Session, version: number, now: number): RefreshVerdict {
  if (session.revokedAt !== null || now >= session.expiresAt) return { kind: "over" }
  if (version === session.refreshVersion) return { kind: "rotate" }
  const isPrevious = version === session.refreshVersion - 1
  if (isPrevious && now < session.refreshedAt + reuseGraceMs) return { kind: "repeat" }
  return { kind: "reused" }
}

/** The steps of a login follow each other within this. */
const loginGraceMs = 15 * 60_000

/**
 * Whether new tokens may be made of a session for somebody who holds an access token of it: while the login is under way,
 * or with its newest refresh token. Otherwise an access token that was stolen would last as long as the session.
 *
 * @param shownVersion of the refresh token that came along; `undefined` when none of this session did
 */
export function mayMakeTokens(
  session: Pick<Session, "createdAt" | "refreshVersion">,
  shownVersion: number | undefined,
  now: number,
): boolean {
  return now < session.createdAt + loginGraceMs || shownVersion === session.refreshVersion
}
