/** Tags of a project: labels that secrets carry by id. A tag that is deleted comes off its secrets. */
export { tagRoutes } from "./routes.ts"
