/**
 * Search: secrets of a whole project by name, tag, metadata and, for those who may read it, value.
 *
 *   routes.ts -> service.ts (walks in slices, asks for every secret's rights) -> domain.ts (does it match?) -> cursor.ts
 *
 * The log says that somebody searched and how much was found, never for what.
 */
export { searchRoutes } from "./routes.ts"
