/**
 * Roles that a project makes itself (contract 4.4): named rules, held by members through their slug. Whoever makes or
 * changes one stays within its own rights; a change counts for all holders at once; one that is held stays.
 */
export { rulesOfRoles } from "./resolve.ts"
export { roleRoutes } from "./routes.ts"
