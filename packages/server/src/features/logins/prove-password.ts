import type { Session as Caller } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { type Attempt, takePasswordAttempt } from "../attempts/index.ts"
import { findUser, type User } from "../users/index.ts"
import type { LoginDeps } from "./password-login.ts"

/**
 * Asks for the password again, because a token alone may have been left lying about; guesses count as logins do. The
 * caller forgives the attempt in its own write.
 *
 * @returns no attempt for somebody who has no password to prove
 * @throws AppError "forbidden" when the password is wrong or was guessed too often
 */
export async function provePassword(
  deps: LoginDeps,
  caller: Caller,
  password: string | undefined,
): Promise<{ readonly user: User; readonly attempt: Attempt | undefined }> {
  const user = await findUser(deps.database.reader, caller.actor.id)
  if (user?.passwordHash === "") return { user, attempt: undefined }
  const attempt = await takePasswordAttempt(deps, caller.actor.id, caller.source.ipAddress)
  if (attempt === undefined || user === undefined || password === undefined) throw wrongPassword()
  if (!(await deps.passwords.isRight(password, user.passwordHash))) throw wrongPassword()
  return { user, attempt }
}

export function wrongPassword(): AppError {
  const message = "The password is wrong, or there were too many attempts; in that case wait 15 minutes"
  return new AppError("forbidden", "ForbiddenError", message)
}
