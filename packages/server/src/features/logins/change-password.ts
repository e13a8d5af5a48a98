import { type Session as Caller, requireKind } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { writeInOrganization } from "../../use-case/index.ts"
import { forgive, takePasswordAttempt } from "../attempts/index.ts"
import { endSessions } from "../sessions/index.ts"
import { findUser, replacePasswordHash } from "../users/index.ts"
import type { LoginDeps } from "./password-login.ts"

/**
 * Sets another password. The old one is asked for, because a token alone may have been left lying about; guesses count
 * as logins do. All other sessions end.
 *
 * @returns how many sessions ended
 * @throws AppError "forbidden" when the old password is wrong or was guessed too often
 */
export async function changePassword(
  deps: LoginDeps,
  caller: Caller,
  change: { readonly oldPassword: string; readonly newPassword: string },
): Promise<number> {
  const { actor } = caller
  requireKind(actor, "user")
  const user = await findUser(deps.database.reader, actor.id)
  const attempt = await takePasswordAttempt(deps, actor.id, caller.source.ipAddress)
  const isRight =
    attempt !== undefined && (await deps.passwords.isRight(change.oldPassword, user?.passwordHash))
  if (!isRight || user === undefined) throw wrongPassword()
  const newHash = await deps.passwords.hash(change.newPassword)
  return await writeInOrganization(deps, caller, async (write) => {
    const { now, actor: current } = write
    if (!(await replacePasswordHash(write.db, user.id, { oldHash: user.passwordHash, newHash, now }))) {
      throw wrongPassword()
    }
    await forgive(write.db, attempt)
    const endedSessions = await endSessions(deps, write, { userId: user.id, except: current.tokenId })
    write.audit("change-user-password", { userId: user.id, endedSessions })
    return endedSessions
  })
}

function wrongPassword(): AppError {
  const message = "The old password is wrong, or there were too many attempts; in that case wait 15 minutes"
  return new AppError("forbidden", "ForbiddenError", message)
}
