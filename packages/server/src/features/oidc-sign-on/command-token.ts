import type { CommandTokenAnswer } from "@coffer/contract"
import type { AuditSource } from "../../audit/audit-event.ts"
import { secondFactorDue } from "../logins/index.ts"
import { draftSession, signSession } from "../sessions/index.ts"
import { findUser } from "../users/index.ts"
import { requireOnlyMember } from "./admission.ts"
import { Refused } from "./domain.ts"
import { type FlowDeps, lockUnchanged, refusing } from "./flow.ts"
import { isVerifierOf, openCode } from "./login-code.ts"
import { actorOf, codeRefused, refuse, signOnEvent } from "./refusals.ts"
import { takeState } from "./store.ts"

/**
 * Exchanges a code for a session of the command. Whether the person may still log in is judged again.
 *
 * @throws AppError "unauthenticated", with one text for every fault of the code; in the audit log when it was ours
 */
export async function exchangeCode(
  deps: FlowDeps,
  source: AuditSource,
  shown: { readonly code: string; readonly verifier: string },
): Promise<CommandTokenAnswer> {
  const code = openCode(deps, shown.code)
  if (code === undefined) throw codeRefused()
  if (code.expiresAt <= deps.clock.now()) return await refuse(deps, source, code, "code-late")
  if (!isVerifierOf(code, shown.verifier)) return await refuse(deps, source, code, "wrong-verifier")
  const { orgId, expiresAt } = code
  const opening = deps.database.write(async (scope) => {
    const now = deps.clock.now()
    if (!(await takeState(scope.db, `code:${code.id}`, { expiresAt, now }))) throw new Refused("code-used")
    await lockUnchanged(scope.db, code)
    const person = await findUser(scope.db, code.userId)
    if (person === undefined) throw new Refused("not-active")
    await requireOnlyMember(scope.db, orgId, person.id)
    const order = { user: person, authMethod: "oidc", secondFactor: null, source, orgId } as const
    const draft = await draftSession(deps, scope.db, { ...order, isForCommandLine: true }, now)
    const metadata = { userId: person.id, sessionId: draft.session.id, secondFactor: null }
    scope.audit(signOnEvent(deps, { type: "user-login", orgId, actor: actorOf(person), source, metadata }))
    return draft
  })
  const draft = await refusing(deps, source, code, opening)
  const { accessToken: token } = await signSession(deps, draft)
  return { token, organizationId: orgId, ...(await secondFactorDue(deps, draft.session)) }
}
