/**
 * What reads are served from: ciphertext, names and rights, in memory, each labelled with the revision or epoch it is
 * good for. Nothing here decides or opens anything; nothing here may import a feature. A cache may be behind the
 * database; `use-case/read.ts` finds out before an answer leaves.
 */
export {
  ActorCache,
  type ActorRecord,
  actorAt,
  type TokenRecord,
} from "./actor-cache.ts"
export { BoundedMap } from "./bounded-map.ts"
export type { ImportRecord } from "./folder-imports.ts"
export { leavesStructure, ProjectCache, ProjectSnapshot } from "./project-cache.ts"
export {
  type EnvironmentRecord,
  type FolderRecord,
  findEnvironment,
  findFolder,
  folderPlace,
  folderWithDescendants,
  type ProjectRecord,
  type ProjectStructure,
  type TagRecord,
} from "./project-structure.ts"
export {
  compareKeys,
  type MetadataRecord,
  recordOfOwnRow,
  requireOwnName,
  type SecretRecord,
  secretRecordOf,
  secretRowName,
} from "./secret-record.ts"
