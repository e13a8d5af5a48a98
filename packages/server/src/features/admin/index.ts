/**
 * The first run: accepted from this machine, with the printed setup token, or when a flag opens it; once.
 */
export { adminRoutes } from "./routes.ts"
export { type AdminDeps, createSetupToken } from "./service.ts"
