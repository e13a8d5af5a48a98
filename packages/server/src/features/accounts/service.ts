import type { OrganizationRole } from "@coffer/contract"
import { type Session as Caller, requireKind } from "../../actor.ts"
import type { Writer } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { answerRead, endEpoch, type OrganizationWrite, writeInOrganization } from "../../use-case/index.ts"
import { clearAttempts } from "../attempts/index.ts"
import { authorizeInOrganization } from "../authorization/index.ts"
import { leaveGroups } from "../groups/index.ts"
import { leaveProjects } from "../memberships/index.ts"
import { removeLink } from "../oidc-sign-on/index.ts"
import { removePasskeys } from "../passkeys/index.ts"
import { removeRecoveryCodes, removeTotp } from "../second-factors/index.ts"
import { endSessions, listSessions, type Session, type SessionsDeps } from "../sessions/index.ts"
import { changeMembership, removeMembership, setPasswordHash } from "../users/index.ts"
import type { Member } from "./domain.ts"
import {
  countOtherAdmins,
  countOtherOrganizations,
  findMember,
  listMembers,
  lockOrganization,
  type MemberPage,
  removeReset,
} from "./store.ts"

export async function viewMembers(
  deps: SessionsDeps,
  caller: Caller,
  page: MemberPage,
): Promise<Awaited<ReturnType<typeof listMembers>>> {
  return await answerRead(deps, caller, async (scope) => {
    const { actor } = scope.session
    authorizeInOrganization(actor, "read-members")
    const list = await listMembers(scope.reader, actor.orgId, page)
    scope.audit("get-users", null, { numberOfUsers: list.members.length })
    return list
  })
}

export async function viewMember(deps: SessionsDeps, caller: Caller, userId: string): Promise<Member> {
  return await answerRead(deps, caller, async (scope) => {
    const { actor } = scope.session
    authorizeInOrganization(actor, "read-members")
    const member = await findMember(scope.reader, actor.orgId, userId)
    if (member === undefined) throw noSuchUser()
    scope.audit("get-user", null, { userId })
    return member
  })
}

/** The caller as a member of the organization; nobody needs a right to see themselves. */
export async function viewSelf(deps: SessionsDeps, caller: Caller): Promise<Member> {
  return await answerRead(deps, caller, async (scope) => {
    const { actor } = scope.session
    requireKind(actor, "user")
    const member = await findMember(scope.reader, actor.orgId, actor.id)
    if (member === undefined) throw noSuchUser()
    scope.audit("get-user", null, { userId: actor.id })
    return member
  })
}

/**
 * Changes the role of a member, or whether it is active. Rights end at once; who is active nowhere any more is logged out.
 *
 * @throws AppError "invalid" when the organization would have no active administrator left
 */
export async function changeMember(
  deps: SessionsDeps,
  caller: Caller,
  change: {
    readonly userId: string
    readonly role?: OrganizationRole | undefined
    readonly isActive?: boolean | undefined
  },
): Promise<Member> {
  const { userId } = change
  return await writeInOrganization(
    deps,
    caller,
    async (write) => {
      const old = await memberToManage(write, userId)
      const { orgId } = write.actor
      const role = change.role ?? old.role
      const isActive = change.isActive ?? old.isActive
      if (role !== "admin" || !isActive) await requireAnotherAdmin(write, old)
      await changeMembership(write.db, { orgId, userId }, { role, isActive, now: write.now })
      await endEpoch(deps, write, [userId])
      if (!isActive) await logOutUnlessActiveElsewhere(deps, write, userId)
      write.audit("update-user", { userId, role, isActive, oldRole: old.role, wasActive: old.isActive })
      return { ...old, role, isActive }
    },
    { endsOwnEpoch: userId === caller.actor.id },
  )
}

/**
 * Takes a member out of the organization and everything in it. Of an account that belongs to no other organization the
 * credentials are removed as well: who is invited again begins anew.
 *
 * @throws AppError "invalid" when the organization would have no active administrator left
 */
export async function dismissMember(deps: SessionsDeps, caller: Caller, userId: string): Promise<Member> {
  return await writeInOrganization(
    deps,
    caller,
    async (write) => {
      const member = await memberToManage(write, userId)
      const { orgId } = write.actor
      await requireAnotherAdmin(write, member)
      const { all } = await countOtherOrganizations(write.db, { orgId, userId })
      await leaveEverything(write, userId)
      if (all === 0) {
        await removeFactors(write.db, userId)
        await removeReset(write.db, userId)
        await setPasswordHash(write.db, userId, { hash: "", now: write.now })
      }
      await endEpoch(deps, write, [userId])
      await logOutUnlessActiveElsewhere(deps, write, userId)
      write.audit("remove-user", { userId, role: member.role, isLastOrganization: all === 0 })
      return member
    },
    { endsOwnEpoch: userId === caller.actor.id },
  )
}

/** Lets somebody who is locked out try again at once. */
export async function unlockMember(deps: SessionsDeps, caller: Caller, userId: string): Promise<void> {
  await writeInOrganization(deps, caller, async (write) => {
    await memberToManage(write, userId)
    await clearAttempts(write.db, userId)
    write.audit("unlock-user", { userId })
  })
}

/**
 * Takes away all second factors of somebody who lost them, and ends their sessions: the password alone opens the next.
 *
 * @throws AppError "forbidden" for somebody who belongs to other organizations as well
 */
export async function resetFactors(deps: SessionsDeps, caller: Caller, userId: string): Promise<number> {
  return await writeInOrganization(
    deps,
    caller,
    async (write) => {
      await memberToManage(write, userId)
      await requireOnlyHere(write, userId)
      await removeFactors(write.db, userId)
      await clearAttempts(write.db, userId)
      await endEpoch(deps, write, [userId])
      const endedSessions = await endSessions(deps, write, { userId })
      write.audit("reset-second-factors", { userId, endedSessions })
      return endedSessions
    },
    { endsOwnEpoch: userId === caller.actor.id },
  )
}

export async function viewSessions(
  deps: SessionsDeps,
  caller: Caller,
  userId: string,
): Promise<readonly Session[]> {
  return await answerRead(deps, caller, async (scope) => {
    const { actor } = scope.session
    authorizeInOrganization(actor, "manage-members")
    if ((await findMember(scope.reader, actor.orgId, userId)) === undefined) throw noSuchUser()
    const sessions = await listSessions(scope.reader, userId, scope.now)
    scope.audit("get-user-sessions", null, { userId, numberOfSessions: sessions.length })
    return sessions
  })
}

/** Ends one session of a member, or without an id all. @throws AppError "not-found" when there is no such open session */
export async function endSessionsOf(
  deps: SessionsDeps,
  caller: Caller,
  of: { readonly userId: string; readonly sessionId?: string },
): Promise<number> {
  const { userId, sessionId } = of
  return await writeInOrganization(
    deps,
    caller,
    async (write) => {
      await memberToManage(write, userId)
      const which = sessionId === undefined ? { userId } : { userId, id: sessionId }
      const endedSessions = await endSessions(deps, write, which)
      if (sessionId !== undefined && endedSessions === 0) {
        throw new AppError("not-found", "NotFound", "There is no such open session")
      }
      write.audit("revoke-user-sessions", { userId, sessionId: sessionId ?? null, endedSessions })
      return endedSessions
    },
    { endsOwnEpoch: userId === caller.actor.id },
  )
}

/** The member that an administrator is about to change; other changes of members wait. */
export async function memberToManage(write: OrganizationWrite, userId: string): Promise<Member> {
  authorizeInOrganization(write.actor, "manage-members")
  await lockOrganization(write.db, write.actor.orgId)
  const member = await findMember(write.db, write.actor.orgId, userId)
  if (member === undefined) throw noSuchUser()
  return member
}

/**
 * Stops an administrator of one organization from getting hold of an account that another one trusts too.
 *
 * @throws AppError "forbidden"
 */
export async function requireOnlyHere(write: OrganizationWrite, userId: string): Promise<void> {
  const { all } = await countOtherOrganizations(write.db, { orgId: write.actor.orgId, userId })
  if (all === 0) return
  throw new AppError(
    "forbidden",
    "ForbiddenError",
    "This person belongs to other organizations as well: an administrator of one cannot replace how they prove who they are",
  )
}

async function requireAnotherAdmin(write: OrganizationWrite, member: Member): Promise<void> {
  if (member.role !== "admin" || !member.isActive) return
  if ((await countOtherAdmins(write.db, write.actor.orgId, member.userId)) > 0) return
  throw new AppError(
    "invalid",
    "BadRequest",
    "This is the last active administrator of the organization: make somebody else an administrator first",
  )
}

/** Each feature removes its own; the membership goes last. */
async function leaveEverything({ db, actor }: OrganizationWrite, userId: string): Promise<void> {
  const of = { orgId: actor.orgId, userId }
  await leaveProjects(db, of)
  await leaveGroups(db, of)
  await removeLink(db, of)
  await removeMembership(db, of)
}

async function removeFactors(db: Writer, userId: string): Promise<void> {
  await removeTotp(db, userId)
  await removeRecoveryCodes(db, userId)
  await removePasskeys(db, userId)
}

async function logOutUnlessActiveElsewhere(
  deps: SessionsDeps,
  write: OrganizationWrite,
  userId: string,
): Promise<void> {
  const { active } = await countOtherOrganizations(write.db, { orgId: write.actor.orgId, userId })
  if (active === 0) await endSessions(deps, write, { userId })
}

function noSuchUser(): AppError {
  return new AppError("not-found", "NotFound", "There is no such user in the organization")
}
