/**
 * Who may do what: built-in roles as data, one decision function, and the `Grant` that proves it was asked.
 * No I/O: the roles of an actor come with the actor. Loading them is the work of `cache/`.
 */
export type { Action, Subject } from "./domain.ts"
export {
  authorize,
  authorizeInOrganization,
  authorizeOrNot,
  type Grant,
  grantsToCarryOver,
  requireCovers,
  requireMayHandOut,
  requireMember,
  rightsFingerprint,
} from "./service.ts"
