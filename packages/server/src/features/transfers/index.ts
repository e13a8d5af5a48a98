/**
 * What spans several folders or environments in one transaction: copies with sub-folders, and one new name everywhere.
 * Every secret is asked for at its source and at its destination; conflicts are told all at once.
 */
export { requireNoConflicts } from "./conflicts.ts"
export { transferRoutes } from "./routes.ts"
