import type { CommandTokenAnswer } from "@coffer/contract"
import type { AuditSource } from "../../audit/audit-event.ts"
import { readCode, takeCode } from "../command-logins/index.ts"
import { secondFactorDue } from "../logins/index.ts"
import { draftSession, signSession } from "../sessions/index.ts"
import { findUser } from "../users/index.ts"
import { requireOnlyMember } from "./admission.ts"
import { Refused } from "./domain.ts"
import { type CodeBasis, type FlowDeps, lockUnchanged, refusing } from "./flow.ts"
import { actorOf, refuse, signOnEvent } from "./refusals.ts"

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
  const code = await readCode<CodeBasis>(deps, shown, {
    method: "oidc",
    refuse: (ours, problem) => refuse(deps, source, ours, problem),
  })
  const { orgId } = code
  const opening = deps.database.write(async (scope) => {
    const now = deps.clock.now()
    if (!(await takeCode(scope.db, code))) throw new Refused("code-used")
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
