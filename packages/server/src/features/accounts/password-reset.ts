import type { Session as Caller } from "../../actor.ts"
import type { AuditActor, AuditEvent, AuditSource } from "../../audit/audit-event.ts"
import type { Database } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { newToken } from "../../random.ts"
import { writeInOrganization } from "../../use-case/index.ts"
import { clearAttempts } from "../attempts/index.ts"
import type { Passwords } from "../passwords/index.ts"
import { endSessions, type SessionsDeps } from "../sessions/index.ts"
import { findUser, listOrganizationsOf, setPasswordHash } from "../users/index.ts"
import { memberToManage, requireOnlyHere } from "./service.ts"
import { findReset, removeOldResets, saveReset, takeReset } from "./store.ts"

export type ResetDeps = SessionsDeps & { readonly passwords: Passwords }

const lifetimeMs = 24 * 60 * 60 * 1_000
const tokenLength = 32

/**
 * Makes a token with which a member sets a new password, once, within a day; to be handed over by whoever asks for it.
 * Only its hash is kept. Until it is used the old password works, and second factors stay as they are.
 *
 * @throws AppError "forbidden" for somebody who belongs to other organizations as well
 */
export async function createReset(
  deps: ResetDeps,
  caller: Caller,
  userId: string,
): Promise<{ readonly token: string; readonly expiresAt: number }> {
  const token = newToken(deps.random, tokenLength)
  return await writeInOrganization(deps, caller, async (write) => {
    await memberToManage(write, userId)
    await requireOnlyHere(write, userId)
    const expiresAt = write.now + lifetimeMs
    await saveReset(write.db, {
      userId,
      tokenHash: deps.keyring.credentialHash("password-reset", token),
      createdBy: write.actor.id,
      createdAt: write.now,
      expiresAt,
    })
    write.audit("create-password-reset", { userId, expiresAt })
    return { token, expiresAt }
  })
}

/**
 * Sets a new password for whoever holds the token, and ends all sessions.
 *
 * @throws AppError "unauthenticated" when the token is unknown, used or too old
 */
export async function resetPassword(
  deps: ResetDeps,
  source: AuditSource,
  input: { readonly token: string; readonly newPassword: string },
): Promise<{ readonly email: string; readonly endedSessions: number }> {
  const tokenHash = deps.keyring.credentialHash("password-reset", input.token)
  const userId = await findReset(deps.database.reader, tokenHash, deps.clock.now())
  if (userId === undefined) throw tokenIsNoGood()
  const hash = await deps.passwords.hash(input.newPassword)
  return await deps.database.write(async (scope) => {
    const now = deps.clock.now()
    const user = (await takeReset(scope.db, tokenHash, now)) ? await findUser(scope.db, userId) : undefined
    if (user === undefined) throw tokenIsNoGood()
    await setPasswordHash(scope.db, userId, { hash, now })
    await clearAttempts(scope.db, userId)
    const endedSessions = await endSessions(deps, scope, { userId })
    const [organization] = await listOrganizationsOf(scope.db, userId)
    const actor: AuditActor = { type: "user", id: userId, name: user.email, authMethod: "password-reset" }
    const event: AuditEvent = {
      id: deps.random.uuid(),
      at: now,
      type: "reset-user-password",
      orgId: organization?.orgId ?? "",
      projectId: null,
      actor,
      source,
      metadata: { userId, endedSessions },
    }
    scope.audit(event)
    return { email: user.email, endedSessions }
  })
}

/** Housekeeping: tokens that nobody used in time. */
export async function pruneResets(deps: {
  readonly database: Database
  readonly clock: { now(): number }
}): Promise<void> {
  await deps.database.write(({ db }) => removeOldResets(db, deps.clock.now()))
}

function tokenIsNoGood(): AppError {
  return new AppError(
    "unauthenticated",
    "UnauthorizedError",
    "This token was used already, is too old, or was never made: ask an administrator for another one",
  )
}
