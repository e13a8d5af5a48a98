/**
 * A whole project as one encrypted file, and back: with ids, every version, the trash, folders, imports, tags, roles,
 * reminders, settings and personal secrets. Members, webhooks and the audit log are no part of it.
 *
 *   out: routes.ts -> export-archive.ts -> snapshot-store.ts (settings, tags, roles: under the project's lock, with the
 *     audit event) -> versions-store.ts (page by page, up to that revision) -> opened -> age
 *   in:  routes.ts -> import-archive.ts -> age -> intake.ts (checks each record) -> structure.ts (checks the skeleton)
 *     -> sealed for this server -> staging-store.ts (batches, into a project that nobody sees) -> published at the end
 *
 * The layout of the file: `packages/project-archive`; its records: `packages/contract/src/project-archive.ts`. An import
 * that does not come to its end is given up by `leftovers.ts`, at the latest when a server starts, and what it wrote is
 * removed by `project-removal`.
 */
export { giveUpAbandoned } from "./leftovers.ts"
export { projectArchiveRoutes } from "./routes.ts"
