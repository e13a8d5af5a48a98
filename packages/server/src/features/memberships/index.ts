/**
 * Who belongs to a project and with which roles, for good or for a time. Every change ends the identity's epoch, so
 * that no answer made with the old roles leaves the server afterwards.
 */
export {
  lastingRules,
  type MemberRole,
  memberRoleOf,
  type TemporaryAccess,
  temporaryAccessOf,
  wantedRoles,
} from "./domain.ts"
export { requireMayActFor, requireMayReplace } from "./handing-out.ts"
export { keepAdmins } from "./last-admin.ts"
export { presentDetails, presentRole } from "./presenters.ts"
export { listRoles, replaceRoles, type StoredRole } from "./roles-store.ts"
export { membershipRoutes } from "./routes.ts"
export { grantMembership } from "./service.ts"
export {
  findMembership,
  leaveProjects,
  listIdentityMemberships,
  listMemberIds,
  type MemberKind,
  removeMember,
} from "./store.ts"
