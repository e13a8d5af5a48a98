/**
 * Secrets: read, list, create, change, delete, and their history.
 *
 *   routes.ts -> requests.ts (two wire versions, one request) -> read-secrets.ts | write-secrets.ts
 *     -> cache (reads) | store.ts (writes) -> sealing.ts (opens only with a Grant) -> presenters.ts
 *
 * Every change appends a version and advances the project's revision; a deletion is a tombstone.
 */
export { arrangeRoutes } from "./arrange-routes.ts"
export { listImportedSecrets } from "./list-imported.ts"
export { presentImport } from "./presenters.ts"
export type { SecretsDeps } from "./read-secrets.ts"
export { secretRoutes } from "./routes.ts"
export { listSecretsInFolders, takeTagOffSecrets } from "./store.ts"
export { removeRecords } from "./write-secrets.ts"
