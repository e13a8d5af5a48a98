/** Machine identities, their credentials, and what members of projects may do. Rows never leave a `store.ts`. */
import type { Flag, Json, Millis } from "./columns.ts"

/** A machine identity. `epoch` grows with everything that narrows or widens what it may do. */
export type IdentityTable = {
  id: string
  org_id: string
  name: string
  has_delete_protection: Flag
  metadata: Json
  epoch: number
  created_at: Millis
  updated_at: Millis
}

/** One row per auth method of an identity; `settings` holds what is particular to the method. */
export type IdentityAuthMethodTable = {
  id: string
  identity_id: string
  method: "universal-auth" | "token-auth" | "kubernetes-auth" | "jwt-auth" | "oidc-auth"
  /** Universal auth only; unique. */
  client_id: string | null
  access_token_ttl: number
  access_token_max_ttl: number
  access_token_period: number
  access_token_uses_limit: number
  /** JSON array of `{type, ipAddress, prefix}`. */
  access_token_trusted_ips: Json
  settings: Json
  created_at: Millis
  updated_at: Millis
}

/** Who set up, changed or handed out a way to log in; goes with the method. */
export type AuthMethodAuthorTable = {
  auth_method_id: string
  author_id: string
  author_type: "user" | "identity"
  /** As it was called when it acted: it may be gone. */
  author_name: string
  /** The last time. */
  acted_at: Millis
}

export type ClientSecretTable = {
  id: string
  auth_method_id: string
  identity_id: string
  /** HMAC-SHA-256 of the clear secret under the keyring's key for client secrets. */
  secret_hash: Uint8Array
  prefix: string
  description: string
  ttl_seconds: number
  uses: number
  uses_limit: number
  revoked_at: Millis | null
  created_at: Millis
  updated_at: Millis
}

/** One row per token family (`jti`); the token itself is stored nowhere. */
export type AccessTokenTable = {
  id: string
  org_id: string
  identity_id: string | null
  user_id: string | null
  auth_method_id: string | null
  client_secret_id: string | null
  method: string
  name: string | null
  uses: number
  uses_limit: number
  ttl_seconds: number
  max_ttl_seconds: number
  period_seconds: number
  /** When the newest JWT of this family ends; null = never. */
  expires_at: Millis | null
  revoked_at: Millis | null
  created_at: Millis
  updated_at: Millis
}

/** Failed logins, per client id and source address, and per client id alone (source ""). */
export type LoginFailureTable = {
  client_id: string
  source: string
  failures: number
  window_started_at: Millis
  locked_until: Millis | null
}

export type ProjectMembershipTable = {
  id: string
  project_id: string
  actor_type: "user" | "identity"
  actor_id: string
  created_at: Millis
  updated_at: Millis
}

export type ProjectMembershipRoleTable = {
  id: string
  membership_id: string
  role: string
  is_temporary: Flag
  temporary_mode: string | null
  temporary_range: string | null
  starts_at: Millis | null
  ends_at: Millis | null
  created_at: Millis
  updated_at: Millis
}

/** A custom role; members hold it by its slug. */
export type ProjectRoleTable = {
  id: string
  project_id: string
  slug: string
  name: string
  description: string | null
  /** JSON array of rules, as they were written. */
  permissions: Json
  /** Grows with every change of the rules. */
  version: number
  created_at: Millis
  updated_at: Millis
}

/** Rules of one member beyond its roles; it ends with the membership. */
export type ProjectPrivilegeTable = {
  id: string
  membership_id: string
  slug: string
  /** JSON array of rules, as they were written. */
  permissions: Json
  is_temporary: Flag
  temporary_mode: string | null
  temporary_range: string | null
  starts_at: Millis | null
  ends_at: Millis | null
  /** Grows with every change of the rules. */
  version: number
  created_at: Millis
  updated_at: Millis
}
