/** Token auth: tokens that an administrator makes ahead and hands over; there is no login. */
export { tokenAuthRoutes } from "./routes.ts"
export { addTokenAuth, draftTokenOf, type TokenAuthDeps } from "./service.ts"
