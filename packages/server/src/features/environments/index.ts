/** Environments of a project, each with a root folder of its own. */
export { environmentRoutes } from "./routes.ts"
export { addEnvironment, type EnvironmentsDeps, makeRoomFor } from "./service.ts"
export { insertEnvironment } from "./store.ts"
