/** Secrets, imports and tags with their versions, and the record of every change. Rows never leave a `store.ts`. */
import type { Generated } from "kysely"
import type { Flag, Json, Millis } from "./columns.ts"
import type { VersionOperation } from "./projects.ts"

/** Current secrets, the projection of the newest `secret_version` that is not a deletion. */
export type SecretTable = {
  id: string
  project_id: string
  environment_id: string
  folder_id: string
  key: string
  /** "shared", or "personal" with `user_id`. */
  type: "shared" | "personal"
  user_id: string | null
  version: number
  revision: number
  value_sealed: Uint8Array
  comment_sealed: Uint8Array | null
  skip_multiline_encoding: Flag | null
  reminder_note: string | null
  reminder_repeat_days: number | null
  /** JSON array of `{key, value?, sealed?, isEncrypted}`. */
  metadata: Json
  /** JSON array of tag ids. */
  tags: Json
  /** Keyed MAC over (id, folder, key, version, revision). */
  row_mac: Uint8Array
  actor_type: string
  actor_id: string
  created_at: Millis
  updated_at: Millis
}

export type SecretVersionTable = {
  secret_id: string
  version: number
  project_id: string
  revision: number
  op: VersionOperation
  environment_id: string
  folder_id: string
  key: string
  type: "shared" | "personal"
  user_id: string | null
  value_sealed: Uint8Array | null
  comment_sealed: Uint8Array | null
  skip_multiline_encoding: Flag | null
  reminder_note: string | null
  reminder_repeat_days: number | null
  metadata: Json
  tags: Json
  row_mac: Uint8Array
  actor_type: string
  actor_id: string
  at: Millis
}

/** From when the reminder of a secret counts. */
export type SecretReminderTable = { secret_id: string; project_id: string; counts_from: Millis }

/** Ordered imports of a folder, each pointing at (environment, path) of the same project. */
export type SecretImportTable = {
  id: string
  project_id: string
  folder_id: string
  import_environment_id: string
  import_path: string
  position: number
  is_replication: Flag
  version: number
  revision: number
  created_at: Millis
  updated_at: Millis
}

export type SecretImportVersionTable = {
  import_id: string
  version: number
  project_id: string
  revision: number
  op: VersionOperation
  folder_id: string
  import_environment_id: string
  import_path: string
  position: number
  is_replication: Generated<Flag>
  actor_type: string
  actor_id: string
  at: Millis
}

export type TagTable = {
  id: string
  project_id: string
  slug: string
  color: string | null
  created_by: string
  created_at: Millis
  updated_at: Millis
}

/** What a revision changed: feeds events, webhooks, caches and restore. */
export type ChangeTable = {
  project_id: string
  revision: number
  ordinal: number
  /** "secret:create", "secret:update", "secret:delete", "secret:import-mutation", "folder", "environment", "project", "membership". */
  kind: string
  environment_id: string | null
  folder_id: string | null
  /** Path at the time of the change. */
  path: string | null
  /** JSON array of secret keys, never values. */
  keys: Json
  at: Millis
}
