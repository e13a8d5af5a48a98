/** Organizations, people, their sessions, second factors and groups. Rows never leave a `store.ts`. */
import type { Generated } from "kysely"
import type { Flag, Json, Millis } from "./columns.ts"

export type OrganizationTable = {
  id: string
  name: string
  slug: string
  /** How many days audit events are kept; null for ever. */
  audit_retention_days: number | null
  created_at: Millis
  updated_at: Millis
}

export type UserTable = {
  id: string
  email: string
  first_name: string
  last_name: string
  /** "" when the user has no password. */
  password_hash: string
  super_admin: Flag
  /** Grows with everything that changes what the user may do, or how it proves who it is. */
  epoch: Generated<number>
  created_at: Millis
  updated_at: Millis
}

/** Membership of a user or an identity in the organization; `role` is the organization role. */
export type OrganizationMembershipTable = {
  id: string
  org_id: string
  actor_type: "user" | "identity"
  actor_id: string
  role: string
  /** 0: deactivated, which counts as not being a member. */
  is_active: Generated<Flag>
  created_at: Millis
  updated_at: Millis
}

/** One login of a person. The tokens that come of it name the session; they are stored nowhere. */
export type UserSessionTable = {
  id: string
  user_id: string
  /** "password", "passkey" or "oidc". */
  auth_method: string
  /** How the second factor was shown: "totp", "recovery-code", "passkey"; null = not yet, or none is set up. */
  second_factor: string | null
  /** Of the newest refresh token; an older one is a copy. */
  refresh_version: number
  refreshed_at: Millis
  ip_address: string
  user_agent: string
  created_at: Millis
  expires_at: Millis
  revoked_at: Millis | null
}

/** The shared secret of one-time passwords; it counts once it is confirmed. */
export type UserTotpTable = {
  user_id: string
  secret_sealed: Uint8Array
  confirmed_at: Millis | null
  /** The newest time step that was used: it and all before are burnt. */
  last_step: number
  created_at: Millis
}

export type UserRecoveryCodeTable = {
  user_id: string
  /** HMAC-SHA-256 under the keyring's key. */
  code_hash: Uint8Array
  used_at: Millis | null
  created_at: Millis
}

/** A WebAuthn credential; `id` is its credential id in base64url. */
export type UserPasskeyTable = {
  id: string
  user_id: string
  name: string
  /** COSE key. */
  public_key: Uint8Array
  counter: number
  transports: Json
  created_at: Millis
  last_used_at: Millis | null
}

/** Challenges that were answered, until they expire: none works twice. */
export type UsedChallengeTable = { id: string; expires_at: Millis }

/** Attempts to prove who one is, per principal and source address; the source "" stands for all together. */
export type LoginAttemptTable = {
  subject: string
  source: string
  attempts: number
  window_started_at: Millis
  locked_until: Millis | null
}

/** A link that an administrator hands over: whoever has it may set a new password, once. */
export type PasswordResetTable = {
  user_id: string
  token_hash: Uint8Array
  created_by: string
  created_at: Millis
  expires_at: Millis
}

export type InvitationTable = {
  id: string
  org_id: string
  email: string
  role: string
  token_hash: Uint8Array
  invited_by: string
  created_at: Millis
  expires_at: Millis
}

/** The OpenID provider of an organization. */
export type OidcSignOnTable = {
  org_id: string
  issuer: string
  client_id: string
  client_secret_sealed: Uint8Array
  allowed_email_domains: Json
  /** Organization role of people who come for the first time; null = they must be invited. */
  default_role: string | null
  is_active: Flag
  created_at: Millis
  updated_at: Millis
}

/** Whom a provider's subject is. */
export type OidcLinkTable = {
  issuer: string
  subject: string
  org_id: string
  user_id: string
  created_at: Millis
}

export type UserGroupTable = {
  id: string
  org_id: string
  name: string
  slug: string
  created_at: Millis
  updated_at: Millis
}

export type UserGroupMemberTable = { group_id: string; user_id: string; created_at: Millis }

/** A group in a project: its roles add to those its members have of their own. */
export type ProjectGroupTable = {
  id: string
  project_id: string
  group_id: string
  created_at: Millis
  updated_at: Millis
}
