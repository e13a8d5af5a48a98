/** The instance and its wrapped keys. Rows never leave a `store.ts`. */
import type { Millis } from "./columns.ts"

/** Facts about this instance: "bootstrapped_at", "setup_token_hash", ... */
export type InstanceSettingTable = { name: string; value: string; updated_at: Millis }

/** Random keys, one active per purpose, wrapped by the root key. */
export type KeyringKeyTable = {
  id: string
  purpose: string
  wrapped_key: Uint8Array
  created_at: Millis
  retired_at: Millis | null
}

/** Data keys of projects, wrapped by the keyring's wrapping key. */
export type ProjectDataKeyTable = {
  id: string
  project_id: string
  wrapping_key_id: string
  wrapped_key: Uint8Array
  created_at: Millis
  retired_at: Millis | null
}
