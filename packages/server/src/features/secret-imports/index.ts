/**
 * Secret imports: a folder shows the secrets of other folders of its project as its own, in an order. Here they are
 * made, ordered and removed, each change as a version; what they show is the work of `secrets`.
 *
 *   routes.ts -> service.ts -> domain.ts (order, refusals) -> store.ts
 */
export { secretImportRoutes } from "./routes.ts"
export { followMovedFolder, removeImportsOf } from "./service.ts"
export { insertImport, removeImports, updateImports } from "./store.ts"
