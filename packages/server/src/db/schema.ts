/**
 * The tables, once, for SQLite and PostgreSQL. Ids and JSON are text, times integer milliseconds since
 * the epoch, booleans 0 or 1, sealed values and hashes bytes. Rows never leave a `store.ts`.
 */
import type { Generated } from "kysely"

type Millis = number
type Flag = 0 | 1
type Json = string

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
  created_at: Millis
  updated_at: Millis
}

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

/** One append-only Merkle log per writer process. */
export type AuditLogTable = {
  id: string
  /** Ed25519, SubjectPublicKeyInfo DER. */
  public_key: Uint8Array
  /** Who writes it now, and until when no other writer may take it over. */
  writer: string | null
  writer_until: Millis | null
  /** The compact range of the first `snapshot_size` leaves, as concatenated hashes: where loading the log may begin. */
  snapshot_size: number
  snapshot_range: Uint8Array
  created_at: Millis
}

export type AuditEventTable = {
  log_id: string
  seq: number
  id: string
  at: Millis
  type: string
  org_id: string
  project_id: string | null
  actor_type: string
  actor_id: string | null
  /** Canonical JSON, exactly the bytes that were hashed. */
  body: string
  leaf_hash: Uint8Array
}

/** What retention took out of the middle of a log: rows keep their leaf hash and lose everything else. */
export type AuditRedactionTable = {
  log_id: string
  /** The first and the last sequence number taken out. */
  from_seq: number
  to_seq: number
  /** JSON array of pairs: runs of sequence numbers, each [first, last]. */
  seqs: Json
  at: Millis
  signature: Uint8Array
}

/** A place that the audit log is published to. */
export type AuditStreamTable = {
  id: string
  org_id: string
  name: string
  kind: "syslog" | "http"
  settings: Json
  credential_sealed: Uint8Array | null
  enabled: Flag
  /** Grows with every change, so that whoever delivers notices. */
  revision: number
  created_at: Millis
  updated_at: Millis
}

/** Where a stream goes on in one log; saved only when its sink has everything before. */
export type AuditStreamCursorTable = {
  stream_id: string
  log_id: string
  next_seq: number
  delivered_at: Millis
}

export type AuditStreamHealthTable = {
  stream_id: string
  /** What went wrong the last time; null when the last delivery succeeded. */
  problem: string | null
  problem_at: Millis | null
  delivered_at: Millis | null
}

/** Work that one replica does for all. */
export type TaskLeaseTable = { name: string; holder: string; held_until: Millis }

/** One signed head per batch: the tree over the first `size` events. */
export type AuditHeadTable = {
  log_id: string
  size: number
  root_hash: Uint8Array
  at: Millis
  signature: Uint8Array
}

/** Where retention cut a log: the compact range of the first `size` leaves. */
export type AuditPruneTable = {
  log_id: string
  size: number
  compact_range: Json
  at: Millis
  signature: Uint8Array
}

/** How far back the change feed reaches: every change of a later revision is still there. No row means all of them. */
export type ChangeFloorTable = { project_id: string; revision: number }

/** How far a reader that must miss nothing has come in the change feed of a project. */
export type ChangeCursorTable = { project_id: string; consumer: string; revision: number }

export type WebhookTable = {
  id: string
  project_id: string
  environment_id: string
  /** A path or a glob. */
  secret_path: string
  type: "general" | "slack" | "microsoft-teams"
  url_sealed: Uint8Array
  key_sealed: Uint8Array | null
  /** JSON array of event names; empty means all. */
  events_filter: Json
  is_disabled: Flag
  last_status: "success" | "failed" | null
  last_run_error: string | null
  last_run_at: Millis | null
  actor_type: string
  actor_id: string
  created_at: Millis
  updated_at: Millis
}

/** One event on its way to one webhook. */
export type WebhookDeliveryTable = {
  id: string
  webhook_id: string
  project_id: string
  event: string
  /** The revision it tells of; null for a test. */
  revision: number | null
  environment_slug: string
  secret_path: string
  /** Who made the change. */
  actor_type: string
  actor_name: string
  state: "pending" | "success" | "failed"
  attempts: number
  next_attempt_at: Millis
  /** The process that is delivering it, and until when no other may. */
  lease_holder: string | null
  lease_until: Millis
  created_at: Millis
  finished_at: Millis | null
}

/** What became of one attempt; never anything of the answer but its status. */
export type WebhookAttemptTable = {
  delivery_id: string
  attempt: number
  at: Millis
  duration_ms: number
  status_code: number | null
  error: string | null
}

export type Schema = {
  organization: OrganizationTable
  user_account: UserTable
  organization_membership: OrganizationMembershipTable
  project: ProjectTable
  environment: EnvironmentTable
  environment_version: EnvironmentVersionTable
  folder: FolderTable
  folder_version: FolderVersionTable
  secret: SecretTable
  secret_version: SecretVersionTable
  secret_reminder: SecretReminderTable
  secret_import: SecretImportTable
  secret_import_version: SecretImportVersionTable
  tag: TagTable
  change: ChangeTable
  identity: IdentityTable
  identity_auth_method: IdentityAuthMethodTable
  client_secret: ClientSecretTable
  access_token: AccessTokenTable
  login_failure: LoginFailureTable
  project_membership: ProjectMembershipTable
  project_membership_role: ProjectMembershipRoleTable
  project_role: ProjectRoleTable
  project_privilege: ProjectPrivilegeTable
  user_session: UserSessionTable
  user_totp: UserTotpTable
  user_recovery_code: UserRecoveryCodeTable
  user_passkey: UserPasskeyTable
  used_challenge: UsedChallengeTable
  invitation: InvitationTable
  oidc_sign_on: OidcSignOnTable
  oidc_link: OidcLinkTable
  user_group: UserGroupTable
  user_group_member: UserGroupMemberTable
  project_group: ProjectGroupTable
  project_group_role: ProjectMembershipRoleTable
  instance_setting: InstanceSettingTable
  keyring_key: KeyringKeyTable
  project_data_key: ProjectDataKeyTable
  audit_log: AuditLogTable
  audit_event: AuditEventTable
  audit_head: AuditHeadTable
  audit_prune: AuditPruneTable
  audit_redaction: AuditRedactionTable
  audit_stream: AuditStreamTable
  audit_stream_cursor: AuditStreamCursorTable
  audit_stream_health: AuditStreamHealthTable
  task_lease: TaskLeaseTable
  change_floor: ChangeFloorTable
  change_cursor: ChangeCursorTable
  webhook: WebhookTable
  webhook_delivery: WebhookDeliveryTable
  webhook_attempt: WebhookAttemptTable
}
