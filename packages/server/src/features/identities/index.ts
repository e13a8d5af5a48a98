/**
 * Machine identities of an organization. The organization role says what an identity may do with the organization; it
 * opens no project. Nobody acts for an identity whose organization role is above its own.
 */
export { identityRoutes } from "./routes.ts"
export { addIdentity, getCoveredIdentity, requireIdentity } from "./service.ts"
export type { Identity } from "./store.ts"
