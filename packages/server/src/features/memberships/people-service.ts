/** The people of a project. Those who are in it through a group only are listed with the group. */
import type { RoleAssignment } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { answerRead, endEpoch, type ReadScope, writeInProject } from "../../use-case/index.ts"
import { authorize } from "../authorization/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { memberRoleOf, nameOf } from "./domain.ts"
import { requireMayReplace } from "./handing-out.ts"
import { keepAdmins } from "./last-admin.ts"
import { listRoles, replaceRoles, type StoredRole } from "./roles-store.ts"
import { grantMembership, type MembershipsDeps } from "./service.ts"
import {
  findMembership,
  findUserMembership,
  listPrivilegeRules,
  listUserMemberships,
  listUsersByEmail,
  type Membership,
  removeMembership,
  type UserMembership,
} from "./store.ts"

type Person = { readonly projectId: string; readonly membershipId: string }

/** Adds people of the organization by e-mail address; addresses nobody has are refused together. */
export async function addUsers(
  deps: MembershipsDeps,
  session: Session,
  input: {
    readonly projectId: string
    readonly emails: readonly string[]
    readonly roles: readonly string[]
  },
): Promise<readonly Membership[]> {
  return await writeInProject(deps, session, { id: input.projectId, endsOwnEpoch: true }, async (write) => {
    authorize(write.actor, "create", "member", { projectId: input.projectId, now: write.now })
    const roles = input.roles.map((role) => ({ role, temporary: null }))
    await requireMayReplace(write, [], roles)
    const emails = [...new Set(input.emails.map((email) => email.toLowerCase()))]
    const users = await listUsersByEmail(write.db, write.actor.orgId, emails)
    const unknown = emails.filter((email) => !users.some((user) => user.email === email))
    if (unknown.length > 0) {
      throw new AppError("invalid", "BadRequest", `Not in the organization: ${unknown.join(", ")}`)
    }
    const memberships: Membership[] = []
    for (const user of users) {
      const known = await findMembership(write.db, { ...input, memberId: user.id, kind: "user" })
      const member = { kind: "user" as const, memberId: user.id, projectId: input.projectId, roles }
      memberships.push(known ?? (await grantMembership(deps, write, member)))
    }
    write.audit("add-project-members", { userIds: users.map((user) => user.id), roles: input.roles })
    write.change({ kind: "membership" })
    return memberships
  })
}

/** The people who are members themselves, by e-mail address. */
export async function listPeople(
  deps: MembershipsDeps,
  session: Session,
  input: { readonly projectId: string; readonly offset: number; readonly limit: number },
): Promise<{ readonly memberships: readonly UserMembership[]; readonly totalCount: number }> {
  return await answerRead(deps, session, async (scope) => {
    await requireReader(scope, input.projectId)
    const list = await listUserMemberships(scope.reader, input, input)
    scope.audit("get-project-members", input.projectId, { numberOfMembers: list.memberships.length })
    return list
  })
}

/** @throws AppError "not-found" when the project has no such membership of a person */
export async function getPerson(
  deps: MembershipsDeps,
  session: Session,
  input: Person,
): Promise<UserMembership> {
  return await answerRead(deps, session, async (scope) => {
    await requireReader(scope, input.projectId)
    const { memberships } = await listUserMemberships(scope.reader, input, { offset: 0, limit: 1 })
    const [membership] = memberships
    if (membership === undefined) throw notMember(input)
    scope.audit("get-project-member", input.projectId, { userId: membership.memberId })
    return membership
  })
}

/**
 * Puts these roles in the place of those that a person has. Handing out more than one's own rights is refused.
 * @throws AppError "invalid" when the project would have no admin left
 */
export async function updateRolesOfPerson(
  deps: MembershipsDeps,
  session: Session,
  input: Person & { readonly roles: readonly RoleAssignment[] },
): Promise<{ readonly membership: Membership; readonly roles: readonly StoredRole[] }> {
  return await writeInProject(deps, session, { id: input.projectId, endsOwnEpoch: true }, async (write) => {
    const at = { projectId: input.projectId, now: write.now }
    authorize(write.actor, "edit", "member", at)
    authorize(write.actor, "grant-privileges", "member", at)
    const wanted = input.roles.map(memberRoleOf)
    const membership = await findUserMembership(write.db, input)
    if (membership === undefined) throw notMember(input)
    const of = { holder: "member", id: membership.id } as const
    const old = (await listRoles(write.db, of.holder, [of.id])).get(of.id) ?? []
    await requireMayReplace(write, old, wanted)
    await keepAdmins(write.db, [input.projectId], () => replaceRoles(deps, write, of, wanted))
    const roles = (await listRoles(write.db, of.holder, [of.id])).get(of.id) ?? []
    await endEpoch(deps, write, [membership.memberId])
    write.audit("update-project-member", { userId: membership.memberId, roles: wanted.map(nameOf) })
    write.change({ kind: "membership" })
    return { membership, roles }
  })
}

/**
 * Takes a person out. What it has through groups stays, so what its own roles and privileges deny it must not be lifted
 * by somebody who may not hand that out.
 * @throws AppError "invalid" when the project would have no admin left
 */
export async function removePerson(
  deps: MembershipsDeps,
  session: Session,
  input: Person,
): Promise<Membership> {
  return await writeInProject(deps, session, { id: input.projectId, endsOwnEpoch: true }, async (write) => {
    authorize(write.actor, "delete", "member", { projectId: input.projectId, now: write.now })
    const membership = await findUserMembership(write.db, input)
    if (membership === undefined) throw notMember(input)
    const roles = (await listRoles(write.db, "member", [membership.id])).get(membership.id) ?? []
    await requireMayReplace(write, roles, [], await listPrivilegeRules(write.db, membership.id))
    await keepAdmins(write.db, [input.projectId], () => removeMembership(write.db, membership.id))
    await endEpoch(deps, write, [membership.memberId])
    write.audit("delete-project-member", { userId: membership.memberId })
    write.change({ kind: "membership" })
    return membership
  })
}

async function requireReader(scope: ReadScope, projectId: string): Promise<void> {
  await projectForRead(scope, { kind: "id", id: projectId })
  authorize(scope.session.actor, "read", "member", { projectId, now: scope.now })
}

function notMember({ membershipId }: Person): AppError {
  return new AppError(
    "not-found",
    "NotFound",
    `Membership with ID '${membershipId}' not found in this project; list those of its people`,
  )
}
