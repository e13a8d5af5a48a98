import { type Session as Caller, requireKind } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { answerRead, writeInOrganization } from "../../use-case/index.ts"
import type { Session } from "./domain.ts"
import { endSessions, type SessionsDeps } from "./service.ts"
import { listSessions } from "./store.ts"

/** Ends the session of the caller's own token. */
export async function logOut(deps: SessionsDeps, caller: Caller): Promise<void> {
  await writeInOrganization(
    deps,
    caller,
    async (write) => {
      requireKind(write.actor, "user")
      const { id: userId, tokenId: sessionId } = write.actor
      await endSessions(deps, write, { userId, id: sessionId })
      write.audit("user-logout", { sessionId, userId })
    },
    { endsOwnEpoch: true },
  )
}

export async function listOwnSessions(deps: SessionsDeps, caller: Caller): Promise<readonly Session[]> {
  return await answerRead(deps, caller, async (scope) => {
    const { actor } = scope.session
    requireKind(actor, "user")
    const sessions = await listSessions(scope.reader, actor.id, scope.now)
    scope.audit("get-user-sessions", null, { userId: actor.id, numberOfSessions: sessions.length })
    return sessions
  })
}

/**
 * Ends one of the caller's sessions, or without an id all but the one that asks.
 *
 * @throws AppError "not-found" when the caller has no such open session
 */
export async function endOwnSessions(
  deps: SessionsDeps,
  caller: Caller,
  sessionId?: string,
): Promise<number> {
  return await writeInOrganization(
    deps,
    caller,
    async (write) => {
      requireKind(write.actor, "user")
      const { id: userId, tokenId } = write.actor
      const which = sessionId === undefined ? { userId, except: tokenId } : { userId, id: sessionId }
      const endedSessions = await endSessions(deps, write, which)
      if (sessionId !== undefined && endedSessions === 0) throw noSuchSession()
      write.audit("revoke-user-sessions", { userId, sessionId: sessionId ?? null, endedSessions })
      return endedSessions
    },
    { endsOwnEpoch: true },
  )
}

function noSuchSession(): AppError {
  return new AppError("not-found", "NotFound", "There is no such open session")
}
