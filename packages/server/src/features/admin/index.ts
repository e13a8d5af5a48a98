/**
 * The first run: accepted from this machine, with the printed setup token, or when a flag opens it; once.
 * People log in with passwords in a later part; here their first password is hashed.
 */
export { adminRoutes } from "./routes.ts"
export { type AdminDeps, createSetupToken } from "./service.ts"
