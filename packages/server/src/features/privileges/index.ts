/**
 * Privileges (contract 4.4): rules of one member beyond its roles, for good or for a time after which they end by
 * themselves. They end with the membership; giving and taking them stays within the giver's own rights.
 */
export { privilegeRoutes } from "./routes.ts"
