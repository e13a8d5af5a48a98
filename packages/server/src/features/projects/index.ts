/**
 * Projects: created with their data key, default environments and their creator as admin, in one transaction.
 * Members of any role see the projects they belong to, slug included.
 */
export { generateSlug } from "./domain.ts"
export { presentProject } from "./presenter.ts"
export { projectRoutes } from "./routes.ts"
export { getProject, type ProjectsDeps } from "./service.ts"
