/**
 * What administrators do with the people of their organization: list, change the role, deactivate, remove, look at and end
 * sessions, unlock, and hand over a token with which a person sets a new password. An organization never loses its last
 * active administrator, and nobody gets hold of an account that another organization trusts too.
 */

export { pruneResets } from "./password-reset.ts"
export { accountRoutes } from "./routes.ts"
