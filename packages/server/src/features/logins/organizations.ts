import type { SelectOrganizationAnswer } from "@coffer/contract"
import { type Session as Caller, requireKind } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { answerRead, auditEvent } from "../../use-case/index.ts"
import {
  lockSession,
  mayMakeTokens,
  readRefreshToken,
  type Session,
  type SessionsDeps,
  type SessionTokens,
  signSession,
} from "../sessions/index.ts"
import { hasConfirmedTotp, listOrganizationsOf, type OrganizationMembership } from "../users/index.ts"

/** The organizations that the person may choose from. */
export async function listOwnOrganizations(
  deps: SessionsDeps,
  caller: Caller,
): Promise<readonly OrganizationMembership[]> {
  return await answerRead(deps, caller, async (scope) => {
    const { actor } = scope.session
    requireKind(actor, "user")
    const organizations = await listOrganizationsOf(scope.reader, actor.id)
    scope.audit("get-organizations", null, { numberOfOrganizations: organizations.length })
    return organizations
  })
}

/**
 * Tokens of the same session for one organization (contract 1.13). They name it whether or not a second factor is still
 * due; without that they open nothing of it.
 *
 * @param choice `refreshToken`: the one that came along, if any
 * @throws AppError "forbidden" when the person is not an active member of the organization, "unauthenticated" when the
 * login is too long ago to make tokens of an access token alone
 */
export async function selectOrganization(
  deps: SessionsDeps,
  caller: Caller,
  choice: {
    readonly organizationId: string
    readonly isForCommandLine: boolean
    readonly refreshToken: string | undefined
  },
): Promise<{
  readonly tokens: SessionTokens
  readonly mfa: SecondFactorDue
}> {
  const { actor } = caller
  requireKind(actor, "user")
  const { organizationId: orgId, isForCommandLine, refreshToken } = choice
  const shown = refreshToken === undefined ? undefined : await readRefreshToken(deps.keyring, refreshToken)
  const shownVersion = shown?.sessionId === actor.tokenId ? shown.version : undefined
  const session = await deps.database.write(async (scope) => {
    const organizations = await listOrganizationsOf(scope.db, actor.id)
    const own = await lockSession(scope.db, actor.id, actor.tokenId)
    const isMember = organizations.some((organization) => organization.orgId === orgId)
    if (!isMember || own === undefined || own.revokedAt !== null) throw notAMember()
    if (!mayMakeTokens(own, shownVersion, deps.clock.now())) throw loginIsOld()
    const metadata = { userId: actor.id, sessionId: own.id }
    const there = { ...caller, actor: { ...actor, orgId } }
    scope.audit(auditEvent(deps, there, "select-organization", { projectId: null, metadata }))
    return own
  })
  const tokens = await signSession(deps, { session, email: actor.name, orgId, isForCommandLine })
  return { tokens, mfa: await secondFactorDue(deps, session) }
}

type SecondFactorDue = Pick<SelectOrganizationAnswer, "isMfaEnabled" | "mfaMethod">

/** Whether a session opens nothing before a second factor was shown, and which one its person has. */
export async function secondFactorDue(
  deps: Pick<SessionsDeps, "actors" | "database">,
  session: Pick<Session, "userId" | "secondFactor">,
): Promise<SecondFactorDue> {
  const record = await deps.actors.get(session.userId)
  const isDue = record?.needsSecondFactor === true && session.secondFactor === null
  if (!isDue) return { isMfaEnabled: false }
  const hasTotp = await hasConfirmedTotp(deps.database.reader, session.userId)
  return { isMfaEnabled: true, mfaMethod: hasTotp ? "totp" : "webauthn" }
}

function loginIsOld(): AppError {
  const message =
    "Your login is too long ago to choose an organization with an access token alone: log in again"
  return new AppError("unauthenticated", "UnauthorizedError", message)
}

function notAMember(): AppError {
  return new AppError("forbidden", "ForbiddenError", "You are not an active member of this organization")
}
