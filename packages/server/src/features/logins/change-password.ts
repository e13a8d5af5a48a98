import { type Session as Caller, requireKind } from "../../actor.ts"
import { writeInOrganization } from "../../use-case/index.ts"
import { forgive } from "../attempts/index.ts"
import { endSessions } from "../sessions/index.ts"
import { replacePasswordHash } from "../users/index.ts"
import type { LoginDeps } from "./password-login.ts"
import { provePassword, wrongPassword } from "./prove-password.ts"

/**
 * Sets another password; the old one is asked for. All other sessions end.
 *
 * @returns how many sessions ended
 * @throws AppError "forbidden" when the old password is wrong or was guessed too often, or when there is none: somebody
 * who never had a password gets the first one through an administrator
 */
export async function changePassword(
  deps: LoginDeps,
  caller: Caller,
  change: { readonly oldPassword: string; readonly newPassword: string },
): Promise<number> {
  requireKind(caller.actor, "user")
  const { user, attempt } = await provePassword(deps, caller, change.oldPassword)
  if (attempt === undefined) throw wrongPassword()
  const newHash = await deps.passwords.hash(change.newPassword)
  return await writeInOrganization(
    deps,
    caller,
    async (write) => {
      const { now, actor } = write
      const hashes = { oldHash: user.passwordHash, newHash }
      if (!(await replacePasswordHash(write.db, user.id, { ...hashes, now }))) throw wrongPassword()
      await forgive(write.db, attempt)
      const endedSessions = await endSessions(deps, write, { userId: user.id, except: actor.tokenId })
      write.audit("change-user-password", { userId: user.id, endedSessions })
      return endedSessions
    },
    { endsOwnEpoch: true },
  )
}
