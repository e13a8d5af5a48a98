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
import { authorize } from "../authorization/index.ts"
import {
  keepAdmins,
  listRoles,
  type MemberRole,
  memberRoleOf,
  replaceRoles,
  requireMayReplace,
  type StoredRole,
  wantedRoles,
} from "../memberships/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { about, getKnown, getLocked } from "./groups.ts"
import {
  findProjectGroup,
  insertProjectGroup,
  listProjectGroups,
  type ProjectGroup,
  type ProjectGroupView,
  removeProjectGroup,
} from "./project-store.ts"
import {
  type Group,
  type GroupUser,
  type GroupUserFilter,
  listGroupUsers,
  listMemberIdsOfGroup,
} from "./store.ts"

type Place = { readonly projectId: string; readonly group: string }

/** Lets a group into a project. Handing out more than one's own rights is refused. */
export async function addProjectGroup(
  deps: ReadDeps,
  session: Session,
  input: Place & {
    readonly role?: string | undefined
    readonly roles?: readonly RoleAssignment[] | undefined
  },
): Promise<ProjectGroup> {
  return await writeInProject(deps, session, { id: input.projectId, endsOwnEpoch: true }, async (write) => {
    const { projectId } = input
    authorize(write.actor, "create", "groups", { projectId, now: write.now })
    const roles = wantedRoles(input)
    await requireMayReplace(write, [], roles)
    const group = await getLocked(write, input.group)
    if ((await findProjectGroup(write.db, { projectId, groupId: group.id })) !== undefined) {
      throw new AppError("invalid", "BadRequest", `Group '${group.slug}' is already a member of this project`)
    }
    const at = { createdAt: write.now, updatedAt: write.now }
    const added = { id: deps.random.uuid(), projectId, groupId: group.id, ...at }
    await insertProjectGroup(write.db, added)
    await replaceRoles(deps, write, { holder: "group", id: added.id }, roles)
    await conclude(deps, write, { type: "add-project-group", group, roles })
    return added
  })
}

/**
 * Puts other roles in the place of those a group has; a deny may be dropped only by who holds what it denies.
 * @throws AppError "invalid" when the project would have no admin left
 */
export async function changeProjectGroup(
  deps: ReadDeps,
  session: Session,
  input: Place & { readonly roles: readonly RoleAssignment[] },
): Promise<{ readonly membership: ProjectGroup; readonly roles: readonly StoredRole[] }> {
  return await writeInProject(deps, session, { id: input.projectId, endsOwnEpoch: true }, async (write) => {
    const at = { projectId: input.projectId, now: write.now }
    authorize(write.actor, "edit", "groups", at)
    authorize(write.actor, "grant-privileges", "groups", at)
    const wanted = input.roles.map(memberRoleOf)
    const { group, membership, roles: old } = await getMembership(write, input)
    await requireMayReplace(write, old, wanted)
    const of = { holder: "group", id: membership.id } as const
    await keepAdmins(write.db, [input.projectId], () => replaceRoles(deps, write, of, wanted))
    const roles = (await listRoles(write.db, "group", [membership.id])).get(membership.id) ?? []
    await conclude(deps, write, { type: "update-project-group", group, roles })
    return { membership, roles }
  })
}

/** Takes a group out of a project. @throws AppError "invalid" when the project would have no admin left */
export async function removeGroupFromProject(
  deps: ReadDeps,
  session: Session,
  input: Place,
): Promise<ProjectGroup> {
  return await writeInProject(deps, session, { id: input.projectId, endsOwnEpoch: true }, async (write) => {
    authorize(write.actor, "delete", "groups", { projectId: input.projectId, now: write.now })
    const { group, membership, roles } = await getMembership(write, input)
    await requireMayReplace(write, roles, [])
    await keepAdmins(write.db, [input.projectId], () => removeProjectGroup(write.db, membership))
    await conclude(deps, write, { type: "delete-project-group", group, roles: [] })
    return membership
  })
}

/** @throws AppError "not-found" when the group is not in the project */
export async function getProjectGroup(
  deps: ReadDeps,
  session: Session,
  input: Place,
): Promise<ProjectGroupView> {
  return await answerRead(deps, session, async (scope) => {
    await requireReader(scope, input.projectId)
    const group = await getKnown(scope.reader, scope.session.actor.orgId, input.group)
    const filter = { projectId: input.projectId, groupId: group.id }
    const [found] = (await listProjectGroups(scope.reader, filter, { offset: 0, limit: 1 })).groups
    if (found === undefined) throw notInProject(group)
    scope.audit("get-project-groups", input.projectId, { groupId: group.id, numberOfGroups: 1 })
    return found
  })
}

export async function listGroupsOfProject(
  deps: ReadDeps,
  session: Session,
  input: { readonly projectId: string; readonly offset: number; readonly limit: number },
): Promise<{ readonly groups: readonly ProjectGroupView[]; readonly totalCount: number }> {
  return await answerRead(deps, session, async (scope) => {
    await requireReader(scope, input.projectId)
    const list = await listProjectGroups(scope.reader, { projectId: input.projectId }, input)
    scope.audit("get-project-groups", input.projectId, { numberOfGroups: list.groups.length })
    return list
  })
}

/** Who has rights in the project through the group; members of the project may know. */
export async function listUsersOfProjectGroup(
  deps: ReadDeps,
  session: Session,
  input: Place & GroupUserFilter & { readonly offset: number; readonly limit: number },
): Promise<{ readonly users: readonly GroupUser[]; readonly totalCount: number }> {
  return await answerRead(deps, session, async (scope) => {
    await requireReader(scope, input.projectId)
    const group = await getKnown(scope.reader, scope.session.actor.orgId, input.group)
    const of = { projectId: input.projectId, groupId: group.id }
    if ((await findProjectGroup(scope.reader, of)) === undefined) throw notInProject(group)
    const list = await listGroupUsers(scope.reader, group, { ...input, membership: "existingMembers" })
    const seen = { groupId: group.id, numberOfUsers: list.users.length }
    scope.audit("get-group-users", input.projectId, seen)
    return list
  })
}

async function conclude(
  deps: ReadDeps,
  write: ProjectWrite,
  of: {
    readonly type: "add-project-group" | "update-project-group" | "delete-project-group"
    readonly group: Group
    readonly roles: readonly MemberRole[]
  },
): Promise<void> {
  await endEpoch(deps, write, await listMemberIdsOfGroup(write.db, of.group.id))
  write.audit(of.type, { ...about(of.group), roles: of.roles.map(({ role }) => role) })
  write.change({ kind: "membership" })
}

async function getMembership(
  write: ProjectWrite,
  place: Place,
): Promise<{
  readonly group: Group
  readonly membership: ProjectGroup
  readonly roles: readonly StoredRole[]
}> {
  const group = await getLocked(write, place.group)
  const membership = await findProjectGroup(write.db, { projectId: place.projectId, groupId: group.id })
  if (membership === undefined) throw notInProject(group)
  const roles = (await listRoles(write.db, "group", [membership.id])).get(membership.id) ?? []
  return { group, membership, roles }
}

async function requireReader(scope: ReadScope, projectId: string): Promise<void> {
  await projectForRead(scope, { kind: "id", id: projectId })
  authorize(scope.session.actor, "read", "groups", { projectId, now: scope.now })
}

function notInProject(group: Group): AppError {
  return new AppError("not-found", "NotFound", `Group '${group.slug}' is not a member of this project`)
}
