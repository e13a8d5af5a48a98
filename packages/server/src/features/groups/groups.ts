import type { Session } from "../../actor.ts"
import type { Reader } from "../../db/database.ts"
import { unlessTaken } from "../../db/index.ts"
import { AppError } from "../../errors.ts"
import { slugOfName } from "../../slugs.ts"
import {
  answerRead,
  endEpoch,
  type OrganizationWrite,
  type ReadDeps,
  writeInOrganization,
} from "../../use-case/index.ts"
import { authorizeInOrganization } from "../authorization/index.ts"
import { keepAdmins, listRoles, type MemberRole, requireMayReplace } from "../memberships/index.ts"
import { lockProjectsOfGroup } from "./project-store.ts"
import {
  findGroup,
  findOrganizationUser,
  type Group,
  type GroupUser,
  type GroupUserFilter,
  insertGroup,
  insertGroupMember,
  listGroups,
  listGroupUsers,
  listMemberIdsOfGroup,
  lockGroup,
  removeGroup,
  removeGroupMember,
  updateGroup,
} from "./store.ts"

/** Makes an empty group, which gives nothing to anybody yet. @throws AppError "invalid" when the slug is taken */
export async function createGroup(
  deps: ReadDeps,
  session: Session,
  input: { readonly name: string; readonly slug: string | undefined },
): Promise<Group> {
  const slug = input.slug ?? slugOfName(input.name, deps.random.bytes(4), "group")
  const creating = writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-groups")
    const at = { createdAt: write.now, updatedAt: write.now }
    const group = { id: deps.random.uuid(), orgId: write.actor.orgId, name: input.name, slug, ...at }
    await insertGroup(write.db, group)
    write.audit("create-group", about(group))
    return group
  })
  return await unlessTaken(creating, (cause) => slugTaken(slug, cause))
}

export async function changeGroup(
  deps: ReadDeps,
  session: Session,
  input: {
    readonly group: string
    readonly name: string | undefined
    readonly slug: string | undefined
  },
): Promise<Group> {
  const changing = writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-groups")
    const old = await getLocked(write, input.group)
    const group = { ...old, name: input.name ?? old.name, slug: input.slug ?? old.slug, updatedAt: write.now }
    await updateGroup(write.db, group)
    write.audit("update-group", about(group))
    return group
  })
  return await unlessTaken(changing, (cause) => slugTaken(input.slug ?? "", cause))
}

/**
 * Removes a group and with it what its members had through it.
 * @throws AppError "forbidden" when that would set its members free of a deny that the caller does not hold the right to,
 * "invalid" when a project would have no admin left
 */
export async function deleteGroup(deps: ReadDeps, session: Session, named: string): Promise<Group> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-groups")
    const group = await getLocked(write, named)
    const projectIds = await requireMayChangeMembers(write, group, "leave")
    const memberIds = await listMemberIdsOfGroup(write.db, group.id)
    await keepAdmins(write.db, projectIds, () => removeGroup(write.db, group))
    await endEpoch(deps, write, memberIds)
    write.audit("delete-group", about(group))
    return group
  })
}

/** @throws AppError "not-found" */
export async function getGroup(deps: ReadDeps, session: Session, named: string): Promise<Group> {
  return await answerRead(deps, session, async (scope) => {
    authorizeInOrganization(scope.session.actor, "read-groups")
    const group = await getKnown(scope.reader, scope.session.actor.orgId, named)
    scope.audit("get-group", null, about(group))
    return group
  })
}

export async function listGroupsOfOrganization(
  deps: ReadDeps,
  session: Session,
  page: { readonly offset: number; readonly limit: number },
): Promise<readonly Group[]> {
  return await answerRead(deps, session, async (scope) => {
    authorizeInOrganization(scope.session.actor, "read-groups")
    const groups = await listGroups(scope.reader, scope.session.actor.orgId, page)
    scope.audit("get-groups", null, { numberOfGroups: groups.length })
    return groups
  })
}

export async function listUsersOfGroup(
  deps: ReadDeps,
  session: Session,
  input: GroupUserFilter & { readonly group: string; readonly offset: number; readonly limit: number },
): Promise<{ readonly users: readonly GroupUser[]; readonly totalCount: number }> {
  return await answerRead(deps, session, async (scope) => {
    authorizeInOrganization(scope.session.actor, "read-groups")
    const group = await getKnown(scope.reader, scope.session.actor.orgId, input.group)
    const list = await listGroupUsers(scope.reader, group, input)
    scope.audit("get-group-users", null, { groupId: group.id, numberOfUsers: list.users.length })
    return list
  })
}

type Membership = { readonly group: string; readonly email: string }

/**
 * Lets a person of the organization into a group. The caller hands out what the group has in every project, so it must
 * hold that itself.
 */
export async function addUserToGroup(
  deps: ReadDeps,
  session: Session,
  input: Membership,
): Promise<Omit<GroupUser, "joinedAt">> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-groups")
    const group = await getLocked(write, input.group)
    const user = await getUser(write, input.email)
    await requireMayChangeMembers(write, group, "join")
    const of = { groupId: group.id, userId: user.id }
    if (!(await insertGroupMember(write.db, of, write.now))) {
      throw new AppError("invalid", "BadRequest", `User ${input.email} is already part of the group`)
    }
    await endEpoch(deps, write, [user.id])
    write.audit("add-user-to-group", { ...about(group), userId: user.id })
    return user
  })
}

/**
 * Takes a person out of a group; what it had through the group ends at once.
 * @throws AppError "invalid" when a project would have no admin left
 */
export async function removeUserFromGroup(
  deps: ReadDeps,
  session: Session,
  input: Membership,
): Promise<Omit<GroupUser, "joinedAt">> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-groups")
    const group = await getLocked(write, input.group)
    const user = await getUser(write, input.email)
    const projectIds = await requireMayChangeMembers(write, group, "leave")
    const of = { groupId: group.id, userId: user.id }
    if (!(await keepAdmins(write.db, projectIds, () => removeGroupMember(write.db, of)))) {
      throw new AppError("not-found", "NotFound", `User ${input.email} is not part of the group`)
    }
    await endEpoch(deps, write, [user.id])
    write.audit("remove-user-from-group", { ...about(group), userId: user.id })
    return user
  })
}

/**
 * Who joins gains the group's rules in each of its projects, who leaves is set free of its denies.
 * @returns the group's projects, whose rows are locked
 */
async function requireMayChangeMembers(
  write: OrganizationWrite,
  group: Group,
  change: "join" | "leave",
): Promise<readonly string[]> {
  const places = await lockProjectsOfGroup(write.db, group.id)
  const roles = await listRoles(
    write.db,
    "group",
    places.map(({ id }) => id),
  )
  const none: readonly MemberRole[] = []
  for (const { id, projectId } of places) {
    const given = roles.get(id) ?? none
    const [before, after] = change === "join" ? [none, given] : [given, none]
    await requireMayReplace({ ...write, projectId }, before, after)
  }
  return places.map(({ projectId }) => projectId)
}

async function getUser(write: OrganizationWrite, email: string): Promise<Omit<GroupUser, "joinedAt">> {
  const user = await findOrganizationUser(write.db, write.actor.orgId, email)
  if (user === undefined) throw new AppError("not-found", "NotFound", `User ${email} not found`)
  return user
}

/** @throws AppError "not-found" when the organization has no such group */
export async function getKnown(db: Reader, orgId: string, named: string): Promise<Group> {
  const group = await findGroup(db, orgId, named)
  if (group === undefined) throw new AppError("not-found", "NotFound", `Group '${named}' not found`)
  return group
}

/** As {@link getKnown}; nobody else changes the group until the write ends. */
export async function getLocked(
  write: Pick<OrganizationWrite, "db" | "actor">,
  named: string,
): Promise<Group> {
  const group = await lockGroup(write.db, await getKnown(write.db, write.actor.orgId, named))
  if (group === undefined) throw new AppError("not-found", "NotFound", `Group '${named}' not found`)
  return group
}

/** What the audit log tells of a group. */
export function about(group: Pick<Group, "id" | "name" | "slug">) {
  return { groupId: group.id, name: group.name, slug: group.slug }
}

function slugTaken(slug: string, cause: unknown): AppError {
  const message = `A group with the slug '${slug}' already exists in the organization`
  return new AppError("invalid", "BadRequest", message, { cause })
}
