/**
 * Who belongs to a project and with which roles, for good or for a time. Every change ends the identity's epoch, so
 * that no answer made with the old roles leaves the server afterwards.
 */
export { presentDetails } from "./presenters.ts"
export { membershipRoutes } from "./routes.ts"
export { grantMembership, type MembershipsDeps } from "./service.ts"
export { type IdentityMembership, listIdentityMemberships, listMemberIds, removeMember } from "./store.ts"
