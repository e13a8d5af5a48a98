/**
 * From how a request names a project to the project, with the contract's answers for those who may not enter:
 * unknown slug 404 (and the slug that was probably meant), other organization 403, not a member 403.
 */
export { requireEnvironment, requireFolder } from "./places.ts"
export { type ProjectRef, projectForRead, projectIdForWrite, projectRef } from "./service.ts"
