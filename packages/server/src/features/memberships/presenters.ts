import type {
  MemberDetails,
  MembershipDetails,
  MembershipObject,
  MembershipRoleObject,
} from "@coffer/contract"
import { isoTime } from "../../http/index.ts"
import type { StoredRole } from "./roles-store.ts"
import type { IdentityMembership, Membership, UserMembership } from "./store.ts"

export function presentMembership(membership: Membership): MembershipObject {
  return {
    id: membership.id,
    projectId: membership.projectId,
    identityId: membership.memberId,
    createdAt: isoTime(membership.createdAt),
    updatedAt: isoTime(membership.updatedAt),
  }
}

export function presentRole(membershipId: string, role: StoredRole): MembershipRoleObject {
  return {
    id: role.id,
    ...(role.custom === undefined
      ? { role: role.role, customRoleId: null }
      : {
          role: "custom",
          customRoleId: role.custom.id,
          customRoleName: role.custom.name,
          customRoleSlug: role.role,
        }),
    isTemporary: role.temporary !== null,
    temporaryMode: role.temporary?.mode ?? null,
    temporaryRange: role.temporary?.range ?? null,
    temporaryAccessStartTime: role.temporary === null ? null : isoTime(role.temporary.startsAt),
    temporaryAccessEndTime: role.temporary === null ? null : isoTime(role.temporary.endsAt),
    projectMembershipId: membershipId,
    createdAt: isoTime(role.createdAt),
    updatedAt: isoTime(role.updatedAt),
  }
}

export function presentDetails(membership: IdentityMembership): MembershipDetails {
  return {
    ...presentMembership(membership),
    roles: membership.roles.map((role) => presentRole(membership.id, role)),
    identity: {
      id: membership.memberId,
      name: membership.identityName,
      authMethods: [...membership.authMethods],
    },
    project: { id: membership.projectId, name: membership.projectName },
  }
}

/** The membership of a person. */
export function presentMember(membership: Membership) {
  return {
    id: membership.id,
    userId: membership.memberId,
    projectId: membership.projectId,
    createdAt: isoTime(membership.createdAt),
    updatedAt: isoTime(membership.updatedAt),
  }
}

export function presentMemberDetails(membership: UserMembership): MemberDetails {
  return {
    ...presentMember(membership),
    user: { ...membership.user, username: membership.user.email },
    project: { id: membership.projectId, name: membership.projectName },
    roles: membership.roles.map((role) => presentRole(membership.id, role)),
  }
}
