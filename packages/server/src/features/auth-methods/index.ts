/**
 * What the auth methods of an identity have in common: the settings of their tokens, the table they live in, who may
 * give, change and take them, and the four routes for that. A method adds a `MethodKind` and its login.
 */
export { type AuthMethod, cidrOf, rangesOf } from "./domain.ts"
export type { MethodKind } from "./method-kind.ts"
export { addMethodRoutes, identityLoginRoutes, type MethodFamily, presentLimits } from "./routes.ts"
export {
  addMethod,
  methodForRead,
  methodForWrite,
  noteAuthor,
  sealedFieldOf,
  type TokenLimits,
} from "./service.ts"
export { type Bearer, findByClientId, findByIdentity, lockMethod } from "./store.ts"
