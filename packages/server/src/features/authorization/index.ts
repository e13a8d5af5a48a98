/**
 * Who may do what. Roles are rules over subjects, actions and conditions; a deny that applies wins; what no rule allows
 * is refused. The `Grant` proves that it was asked.
 * No I/O: the roles of an actor come with the actor. Loading them is the work of `cache/`.
 */
export { liftedDenies } from "./boundary.ts"
export { rulesOfRole } from "./built-in-roles.ts"
export type { Resource } from "./conditions.ts"
export { type Action, compilePolicy, type Rule, type Subject } from "./domain.ts"
export { type Explanation, explain } from "./explain.ts"
export { isAllowedInOrganization } from "./organization.ts"
export {
  authorize,
  authorizeEverywhere,
  authorizeInOrganization,
  authorizeOrNot,
  type Gate,
  type Grant,
  gateFor,
  grantsToBringBack,
  grantsToCarryOver,
  mayHandOut,
  refusalOf,
  requireAnywhere,
  requireCovers,
  requireMayHandOut,
  requireMember,
  requireNoneUncovered,
  requireNothingRevealed,
  rightsFingerprint,
} from "./service.ts"
