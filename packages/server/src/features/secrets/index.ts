/**
 * Secrets: read, list, create, change, delete, and their history.
 *
 *   routes.ts -> requests.ts (two wire versions, one request) -> read-secrets.ts | write-secrets.ts
 *     -> cache (reads) | store.ts (writes) -> sealing.ts (opens only with a Grant) -> presenters.ts
 *
 * Every change appends a version and advances the project's revision; a deletion is a tombstone.
 */
export { arrangeRoutes } from "./arrange-routes.ts"
export {
  atDesk,
  auditWrite,
  authorizeDeletionWith,
  authorizeSecret,
  type Desk,
  deskOf,
  type FolderRef,
  type Spot,
  spotFor,
} from "./desk.ts"
export type { SecretContent } from "./domain.ts"
export { listImportedSecrets } from "./list-imported.ts"
export { authorizeDeparture, relocate } from "./move-secrets.ts"
export { listOverrides } from "./override-store.ts"
export { presentImport } from "./presenters.ts"
export {
  holdsContent,
  revealForCopy,
  type WrittenSecret,
  writeSecrets,
  writtenInEvent,
} from "./put-secrets.ts"
export { listSecrets, type Reading, type SecretsDeps } from "./read-secrets.ts"
export {
  type FolderView,
  openIfAllowed,
  resourceOf,
  viewProject,
} from "./reading.ts"
export { secretReferenceRoutes } from "./reference-routes.ts"
export { carryOutRemoval, draftRemoval, type Removal } from "./removal.ts"
export {
  contentToBringBack,
  findVersions,
  type Rewrite,
  rewriteSecrets,
  versionName,
} from "./rewrite.ts"
export { secretRoutes } from "./routes.ts"
export { type Opener, revealContent, revealValue, sealSecret, sealTombstone } from "./sealing.ts"
export { listSecretsInFolders, takeTagOffSecrets } from "./store.ts"
export { type WalkPosition, walkSecrets } from "./walk-secrets.ts"
export { findAt, updateAt } from "./write-secrets.ts"
