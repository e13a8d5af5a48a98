/**
 * Projects: created with their data key, default environments and their creator as admin, in one transaction.
 * Members of any role see the projects they belong to, slug included.
 */
export { projectRoutes } from "./routes.ts"
export type { ProjectsDeps } from "./service.ts"
