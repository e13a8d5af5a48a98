import type { AuditSource } from "../../audit/audit-event.ts"
import { AppError } from "../../errors.ts"
import { type Attempt, forgive, takePasswordAttempt } from "../attempts/index.ts"
import type { Passwords } from "../passwords/index.ts"
import { draftSession, type SessionsDeps, signSession } from "../sessions/index.ts"
import { findUserByEmail, listOrganizationsOf, lockPassword, type User } from "../users/index.ts"
import { loginEvent, refuseLogin } from "./login-events.ts"

export type LoginDeps = SessionsDeps & { readonly passwords: Passwords }

type Refusal =
  | "unknown-email"
  | "locked"
  | "wrong-password"
  | "password-changed-meanwhile"
  | "no-active-organization"

/**
 * Logs a person in with e-mail and password. Until the password was right, every refusal says the same; it is in the
 * audit log before the client hears of it. An unknown e-mail costs the same work as a wrong password.
 *
 * @param credentials the e-mail in its canonical form
 * @throws AppError "unauthenticated", or "unavailable" when too many log in at once
 */
export async function logInWithPassword(
  deps: LoginDeps,
  source: AuditSource,
  credentials: { readonly email: string; readonly password: string },
): Promise<Awaited<ReturnType<typeof signSession>>> {
  const user = await findUserByEmail(deps.database.reader, credentials.email)
  const principal = user?.id ?? standInFor(deps, credentials.email)
  const attempt = await takePasswordAttempt(deps, principal, source.ipAddress)
  if (attempt === undefined) return await refuse(deps, source, user, "locked")
  const isRight = await deps.passwords.isRight(credentials.password, user?.passwordHash)
  if (user === undefined) return await refuse(deps, source, undefined, "unknown-email")
  if (!isRight) return await refuse(deps, source, user, "wrong-password")
  const organizations = await listOrganizationsOf(deps.database.reader, user.id)
  if (organizations.length === 0) return await refuse(deps, source, user, "no-active-organization")
  const draft = await openSession(deps, { source, user, attempt, orgId: organizations[0]?.orgId ?? "" })
  if (draft === undefined) return await refuse(deps, source, user, "password-changed-meanwhile")
  return await signSession(deps, draft)
}

async function openSession(
  deps: LoginDeps,
  of: {
    readonly source: AuditSource
    readonly user: User
    readonly attempt: Attempt
    /** Whose audit log tells of it. */
    readonly orgId: string
  },
) {
  const { source, user, attempt } = of
  return await deps.database.write(async (scope) => {
    if (!(await lockPassword(scope.db, user.id, user.passwordHash))) return undefined
    await forgive(scope.db, attempt)
    const order = { user, authMethod: "password", secondFactor: null, source } as const
    const draft = await draftSession(deps, scope.db, order, deps.clock.now())
    const metadata = { userId: user.id, sessionId: draft.session.id, secondFactor: null }
    scope.audit(loginEvent(deps, { user, authMethod: "password", orgId: of.orgId, source, metadata }))
    return draft
  })
}

function refuse(
  deps: LoginDeps,
  source: AuditSource,
  user: User | undefined,
  reasonCode: Refusal,
): Promise<never> {
  return refuseLogin(deps, source, user, { reasonCode, error: refusalOf(reasonCode) })
}

function refusalOf(reasonCode: Refusal): AppError {
  const message =
    reasonCode === "no-active-organization"
      ? "Your account is not active in any organization: ask an administrator"
      : "The e-mail address or the password is wrong, or there were too many attempts; in that case wait 15 minutes"
  return new AppError("unauthenticated", "UnauthorizedError", message)
}

/**
 * Names that nobody has are counted like those of people, or the lock would tell which is which; in a bounded number of
 * counters, because anyone can make up names. What was typed may be a password: only a piece of a keyed hash is kept.
 */
function standInFor(deps: LoginDeps, email: string): string {
  const hash = Buffer.from(deps.keyring.credentialHash("login-name", email))
  return `nobody-${hash.toString("hex").slice(0, 4)}`
}
