/** Projects, environments and folders. Rows never leave a `store.ts`. */
import type { Generated } from "kysely"
import type { Flag, Millis } from "./columns.ts"

export type ProjectTable = {
  id: string
  org_id: string
  name: string
  slug: string
  description: string | null
  revision: number
  /** The newest revision that changed more than secrets. */
  structure_revision: Generated<number>
  auto_capitalization: Flag
  has_delete_protection: Flag
  version_limit: number | null
  audit_retention_days: number | null
  /** How many days the values of deleted secrets are kept; null for ever. */
  trash_days: Generated<number | null>
  /** 1 while it is there for nobody: an archive is being read into it, or what it held is being removed. */
  is_hidden: Generated<Flag>
  created_at: Millis
  updated_at: Millis
}

/** Imports under way; a row that nobody touches any more is of a server that died. */
export type ProjectImportTable = { project_id: string; touched_at: Millis; token: Generated<string> }

/** Slugs that projects had until they were renamed. */
export type FormerSlugTable = { org_id: string; slug: string; project_id: string; until: Millis }

/** Projects that were deleted, with their last revision: revisions never start anew under an id. */
export type FormerProjectTable = { id: string; revision: number; removed_at: Millis }

export type EnvironmentTable = {
  id: string
  project_id: string
  name: string
  slug: string
  position: number
  created_at: Millis
  updated_at: Millis
}

export type EnvironmentVersionTable = {
  environment_id: string
  version: number
  project_id: string
  revision: number
  op: VersionOperation
  name: string
  slug: string
  position: number
  actor_type: string
  actor_id: string
  at: Millis
}

/** Current folders; the root of an environment has no parent and the name "root". */
export type FolderTable = {
  id: string
  project_id: string
  environment_id: string
  parent_id: string | null
  name: string
  description: string | null
  version: number
  revision: number
  created_at: Millis
  updated_at: Millis
}

export type VersionOperation = "create" | "update" | "delete"

export type FolderVersionTable = {
  folder_id: string
  version: number
  project_id: string
  revision: number
  op: VersionOperation
  environment_id: string
  parent_id: string | null
  name: string
  description: string | null
  actor_type: string
  actor_id: string
  at: Millis
}
