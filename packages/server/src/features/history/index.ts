/**
 * The past of a project: versions of a secret, rollback, point-in-time restore, and how much of it is kept.
 *
 *   routes.ts -> restore-service.ts -> past-store.ts (what was) -> scope.ts (what shall be, pure)
 *     -> plan.ts (steps and conflicts, pure) -> draft.ts (opens and compares) -> carry-out.ts (seals and writes)
 *
 * A restore only adds versions. It is prepared outside of the transaction, from one revision, and written only if the
 * project still has that revision.
 */
export { makeDraft, type Times } from "./draft.ts"
export { type Entries, type Entry, loadEntries, newest } from "./past-store.ts"
export { pruneHistory } from "./prune.ts"
export { findSettings } from "./prune-store.ts"
export { bringBack, type HistoryDeps, type Restoration } from "./restore-service.ts"
export { historyRoutes, presentRestoration } from "./routes.ts"
export { bringFolder, bringParent } from "./scope.ts"
export { nothingWanted, pathOf, type Wanted, withDescendants } from "./state.ts"
