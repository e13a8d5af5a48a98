import type { GroupObject, GroupUserObject, ProjectGroupDetails } from "@coffer/contract"
import { isoTime } from "../../http/index.ts"
import { presentRole } from "../memberships/index.ts"
import type { ProjectGroup, ProjectGroupView } from "./project-store.ts"
import type { Group, GroupUser } from "./store.ts"

export function presentGroup(group: Group): GroupObject {
  return {
    id: group.id,
    orgId: group.orgId,
    name: group.name,
    slug: group.slug,
    role: "no-access",
    roleId: null,
    createdAt: isoTime(group.createdAt),
    updatedAt: isoTime(group.updatedAt),
  }
}

export function presentChangedUser(user: Omit<GroupUser, "joinedAt">) {
  const { id, email, firstName, lastName } = user
  return { id, email, username: email, firstName, lastName }
}

export function presentUser(user: GroupUser): GroupUserObject {
  return {
    ...presentChangedUser(user),
    isPartOfGroup: user.joinedAt !== null,
    joinedGroupAt: user.joinedAt === null ? null : isoTime(user.joinedAt),
  }
}

export function presentMembership(of: ProjectGroup) {
  return {
    id: of.id,
    groupId: of.groupId,
    projectId: of.projectId,
    createdAt: isoTime(of.createdAt),
    updatedAt: isoTime(of.updatedAt),
  }
}

export function presentDetails(of: ProjectGroupView): ProjectGroupDetails {
  return {
    ...presentMembership(of),
    roles: of.roles.map((role) => presentRole(of.id, role)),
    group: { id: of.groupId, name: of.name, slug: of.slug },
  }
}
