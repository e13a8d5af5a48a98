import { type Session as Caller, requireKind } from "../../actor.ts"
import { writeInOrganization } from "../../use-case/index.ts"
import { endSessions, type SessionsDeps } from "./service.ts"

/** Ends the session of the caller's own token. */
export async function logOut(deps: SessionsDeps, caller: Caller): Promise<void> {
  await writeInOrganization(deps, caller, async (write) => {
    requireKind(write.actor, "user")
    const { id: userId, tokenId: sessionId } = write.actor
    await endSessions(deps, write, { userId, id: sessionId })
    write.audit("user-logout", { sessionId, userId })
  })
}
