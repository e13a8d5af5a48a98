/**
 * The trash: what was deleted and whose values are still kept, and the way back.
 *
 *   routes.ts -> service.ts -> listing.ts | wanted.ts (pure) -> `history`, which makes it so
 */
export { trashRoutes } from "./routes.ts"
