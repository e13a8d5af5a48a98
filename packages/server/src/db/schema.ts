/**
 * The tables, once, for SQLite and PostgreSQL. Ids and JSON are text, times integer milliseconds since
 * the epoch, booleans 0 or 1, sealed values and hashes bytes. Rows never leave a `store.ts`.
 */

import type {
  AuditEventTable,
  AuditHeadTable,
  AuditLogTable,
  AuditPruneTable,
  AuditRedactionTable,
  AuditStreamCursorTable,
  AuditStreamHealthTable,
  AuditStreamTable,
  TaskLeaseTable,
} from "./tables/audit.ts"
import type {
  ChangeCursorTable,
  ChangeFloorTable,
  WebhookAttemptTable,
  WebhookDeliveryTable,
  WebhookTable,
} from "./tables/events.ts"
import type {
  AccessTokenTable,
  AuthMethodAuthorTable,
  ClientSecretTable,
  IdentityAuthMethodTable,
  IdentityTable,
  LoginFailureTable,
  ProjectMembershipRoleTable,
  ProjectMembershipTable,
  ProjectPrivilegeTable,
  ProjectRoleTable,
} from "./tables/identities.ts"
import type { InstanceSettingTable, KeyringKeyTable, ProjectDataKeyTable } from "./tables/instance.ts"
import type { InvitationProjectTable, MailedReminderTable, MailOutboxTable } from "./tables/mail.ts"
import type {
  InvitationTable,
  LoginAttemptTable,
  OidcLinkTable,
  OidcSignOnTable,
  OrganizationMembershipTable,
  OrganizationTable,
  PasswordResetTable,
  ProjectGroupTable,
  UsedChallengeTable,
  UserGroupMemberTable,
  UserGroupTable,
  UserPasskeyTable,
  UserRecoveryCodeTable,
  UserSessionTable,
  UserTable,
  UserTotpTable,
} from "./tables/people.ts"
import type {
  EnvironmentTable,
  EnvironmentVersionTable,
  FolderTable,
  FolderVersionTable,
  FormerProjectTable,
  FormerSlugTable,
  ProjectImportTable,
  ProjectTable,
} from "./tables/projects.ts"
import type {
  ChangeTable,
  SecretImportTable,
  SecretImportVersionTable,
  SecretReminderTable,
  SecretTable,
  SecretVersionTable,
  TagTable,
} from "./tables/secrets.ts"

export type * from "./tables/audit.ts"
export type * from "./tables/events.ts"
export type * from "./tables/identities.ts"
export type * from "./tables/instance.ts"
export type * from "./tables/mail.ts"
export type * from "./tables/people.ts"
export type * from "./tables/projects.ts"
export type * from "./tables/secrets.ts"

export type Schema = {
  organization: OrganizationTable
  user_account: UserTable
  organization_membership: OrganizationMembershipTable
  project: ProjectTable
  project_import: ProjectImportTable
  former_project: FormerProjectTable
  former_slug: FormerSlugTable
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
  auth_method_author: AuthMethodAuthorTable
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
  login_attempt: LoginAttemptTable
  password_reset: PasswordResetTable
  invitation: InvitationTable
  invitation_project: InvitationProjectTable
  mail_outbox: MailOutboxTable
  mailed_reminder: MailedReminderTable
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
