import type { RoleAssignment } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import {
  answerRead,
  endEpoch,
  type ProjectWrite,
  type ReadDeps,
  type ReadScope,
  writeInProject,
} from "../../use-case/index.ts"
import { authorize, type Resource } from "../authorization/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { type MemberRole, memberRoleOf, nameOf, wantedRoles } from "./domain.ts"
import { requireMayReplace } from "./handing-out.ts"
import { keepAdmins } from "./last-admin.ts"
import { listRoles, replaceRoles, type StoredRole } from "./roles-store.ts"
import {
  findMembership,
  type IdentityMembership,
  insertMembership,
  isIdentityOf,
  listIdentityMemberships,
  type MemberKind,
  type Membership,
  removeMembership,
} from "./store.ts"

export type MembershipsDeps = ReadDeps

type Member = { readonly projectId: string; readonly identityId: string }

/** Lets an identity into a project. Handing out more than one's own rights is refused. */
export async function addIdentity(
  deps: MembershipsDeps,
  session: Session,
  input: Member & {
    readonly role?: string | undefined
    readonly roles?: readonly RoleAssignment[] | undefined
  },
): Promise<Membership> {
  return await writeInProject(deps, session, input.projectId, async (write) => {
    const { identityId } = input
    const at = { projectId: input.projectId, now: write.now, resource: { identityId } }
    authorize(write.actor, "create", "identity", at)
    const roles = wantedRoles(input)
    await requireMayReplace(write, [], roles)
    await requireIdentity(write, input.identityId)
    const known = await findMembership(write.db, { ...input, memberId: input.identityId, kind: "identity" })
    if (known !== undefined) {
      throw new AppError("invalid", "BadRequest", "The identity is already a member of this project")
    }
    const membership = await grantMembership(deps, write, {
      kind: "identity",
      memberId: input.identityId,
      projectId: input.projectId,
      roles,
    })
    write.audit("create-identity-project-membership", {
      identityId: input.identityId,
      roles: roles.map(nameOf),
    })
    write.change({ kind: "membership" })
    return membership
  })
}

/** Inserts a membership with its roles and ends the member's epoch; the caller has authorised it. */
export async function grantMembership(
  deps: MembershipsDeps,
  write: Pick<ProjectWrite, "db" | "now" | "afterCommit">,
  member: {
    readonly kind: MemberKind
    readonly memberId: string
    readonly projectId: string
    readonly roles: readonly MemberRole[]
  },
): Promise<Membership> {
  const membership = {
    id: deps.random.uuid(),
    projectId: member.projectId,
    memberId: member.memberId,
    createdAt: write.now,
    updatedAt: write.now,
  }
  await insertMembership(write.db, { ...membership, kind: member.kind })
  await replaceRoles(deps, write, { holder: "member", id: membership.id }, member.roles)
  await endEpoch(deps, write, [member.memberId])
  return membership
}

/** @throws AppError "invalid" when the project would have no admin left */
export async function updateIdentityRoles(
  deps: MembershipsDeps,
  session: Session,
  input: Member & { readonly roles: readonly RoleAssignment[] },
): Promise<{ readonly membership: Membership; readonly roles: readonly StoredRole[] }> {
  return await writeInProject(
    deps,
    session,
    { id: input.projectId, endsOwnEpoch: input.identityId === session.actor.id },
    async (write) => {
      const { identityId } = input
      const at = { projectId: input.projectId, now: write.now, resource: { identityId } }
      authorize(write.actor, "edit", "identity", at)
      authorize(write.actor, "grant-privileges", "identity", at)
      const wanted = input.roles.map(memberRoleOf)
      const membership = await getMembership(write, input)
      const old = (await listRoles(write.db, "member", [membership.id])).get(membership.id) ?? []
      await requireMayReplace(write, old, wanted)
      const of = { holder: "member", id: membership.id } as const
      await keepAdmins(write.db, [input.projectId], () => replaceRoles(deps, write, of, wanted))
      const roles = (await listRoles(write.db, "member", [membership.id])).get(membership.id) ?? []
      await endEpoch(deps, write, [identityId])
      write.audit("update-identity-project-membership", {
        identityId: input.identityId,
        roles: wanted.map(nameOf),
      })
      write.change({ kind: "membership" })
      return { membership, roles }
    },
  )
}

/** @throws AppError "invalid" when the project would have no admin left */
export async function removeIdentity(
  deps: MembershipsDeps,
  session: Session,
  input: Member,
): Promise<Membership> {
  return await writeInProject(
    deps,
    session,
    { id: input.projectId, endsOwnEpoch: input.identityId === session.actor.id },
    async (write) => {
      const { identityId } = input
      const at = { projectId: input.projectId, now: write.now, resource: { identityId } }
      authorize(write.actor, "delete", "identity", at)
      const membership = await getMembership(write, input)
      const roles = (await listRoles(write.db, "member", [membership.id])).get(membership.id) ?? []
      await keepAdmins(write.db, [input.projectId], () => removeMembership(write.db, membership.id))
      await endEpoch(deps, write, [input.identityId])
      write.audit("delete-identity-project-membership", { identityId, roles: roles.map(nameOf) })
      write.change({ kind: "membership" })
      return membership
    },
  )
}

export async function getIdentityMembership(
  deps: MembershipsDeps,
  session: Session,
  input: Member,
): Promise<IdentityMembership> {
  return await answerRead(deps, session, async (scope) => {
    await requireReader(scope, input.projectId, { identityId: input.identityId })
    const { memberships } = await listIdentityMemberships(scope.reader, input, { offset: 0, limit: 1 })
    const [membership] = memberships
    if (membership === undefined) throw notMember(input.identityId)
    scope.audit("get-identity-project-memberships", input.projectId, {
      identityId: input.identityId,
      numberOfMemberships: 1,
    })
    return membership
  })
}

export async function listIdentitiesOfProject(
  deps: MembershipsDeps,
  session: Session,
  input: {
    readonly projectId: string
    readonly offset: number
    readonly limit: number
    readonly nameContains: string | undefined
    readonly isDescending: boolean
  },
): Promise<{ readonly memberships: readonly IdentityMembership[]; readonly totalCount: number }> {
  return await answerRead(deps, session, async (scope) => {
    await requireReader(scope, input.projectId)
    const list = await listIdentityMemberships(scope.reader, input, input)
    scope.audit("get-identity-project-memberships", input.projectId, {
      numberOfMemberships: list.memberships.length,
    })
    return list
  })
}

async function getMembership(write: ProjectWrite, member: Member): Promise<Membership> {
  const membership = await findMembership(write.db, {
    projectId: member.projectId,
    memberId: member.identityId,
    kind: "identity",
  })
  if (membership === undefined) throw notMember(member.identityId)
  return membership
}

/** A list of all identities needs a right that no condition narrows. */
async function requireReader(scope: ReadScope, projectId: string, resource: Resource = {}): Promise<void> {
  await projectForRead(scope, { kind: "id", id: projectId })
  authorize(scope.session.actor, "read", "identity", { projectId, now: scope.now, resource })
}

async function requireIdentity(write: ProjectWrite, identityId: string): Promise<void> {
  if (await isIdentityOf(write.db, write.actor.orgId, identityId)) return
  throw new AppError("not-found", "NotFound", `Identity with ID '${identityId}' not found`)
}

function notMember(identityId: string): AppError {
  return new AppError(
    "not-found",
    "NotFound",
    `Identity with ID '${identityId}' is not a member of this project`,
  )
}
