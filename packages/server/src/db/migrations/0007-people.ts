import type { ColumnTypes } from "./column-types.ts"

/** People: their sessions, second factors, passkeys, invitations, groups and single sign-on. */
export function peopleTables(types: ColumnTypes): readonly string[] {
  return [...accounts(types), ...factors(types), ...organizations(types), ...groups(types)]
}

function accounts({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `alter table user_account add column epoch ${integer} not null default 0`,
    `alter table organization_membership add column is_active ${integer} not null default 1`,

    `create table user_session (
      id ${text} primary key,
      user_id ${text} not null references user_account (id) on delete cascade,
      auth_method ${text} not null,
      second_factor ${text},
      refresh_version ${integer} not null,
      refreshed_at ${integer} not null,
      ip_address ${text} not null,
      user_agent ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer} not null,
      revoked_at ${integer}
    ) ${strict}`,
    "create index user_session_by_user on user_session (user_id)",
    "create index user_session_by_expiry on user_session (expires_at)",
  ]
}

function factors({ text, integer, bytes, strict }: ColumnTypes): readonly string[] {
  return [
    `create table user_totp (
      user_id ${text} primary key references user_account (id) on delete cascade,
      secret_sealed ${bytes} not null,
      confirmed_at ${integer},
      last_step ${integer} not null,
      created_at ${integer} not null
    ) ${strict}`,

    `create table user_recovery_code (
      user_id ${text} not null references user_account (id) on delete cascade,
      code_hash ${bytes} not null,
      used_at ${integer},
      created_at ${integer} not null,
      primary key (user_id, code_hash)
    ) ${strict}`,

    `create table user_passkey (
      id ${text} primary key,
      user_id ${text} not null references user_account (id) on delete cascade,
      name ${text} not null,
      public_key ${bytes} not null,
      counter ${integer} not null,
      transports ${text} not null,
      created_at ${integer} not null,
      last_used_at ${integer}
    ) ${strict}`,
    "create index user_passkey_by_user on user_passkey (user_id)",

    `create table used_challenge (
      id ${text} primary key,
      expires_at ${integer} not null
    ) ${strict}`,
    "create index used_challenge_by_expiry on used_challenge (expires_at)",
  ]
}

function organizations({ text, integer, bytes, strict }: ColumnTypes): readonly string[] {
  return [
    `create table invitation (
      id ${text} primary key,
      org_id ${text} not null references organization (id) on delete cascade,
      email ${text} not null,
      role ${text} not null,
      token_hash ${bytes} not null unique,
      invited_by ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer} not null,
      unique (org_id, email)
    ) ${strict}`,

    `create table oidc_sign_on (
      org_id ${text} primary key references organization (id) on delete cascade,
      issuer ${text} not null,
      client_id ${text} not null,
      client_secret_sealed ${bytes} not null,
      allowed_email_domains ${text} not null,
      default_role ${text},
      is_active ${integer} not null check (is_active in (0, 1)),
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,

    `create table oidc_link (
      issuer ${text} not null,
      subject ${text} not null,
      org_id ${text} not null references organization (id) on delete cascade,
      user_id ${text} not null references user_account (id) on delete cascade,
      created_at ${integer} not null,
      primary key (org_id, issuer, subject)
    ) ${strict}`,
    "create index oidc_link_by_user on oidc_link (user_id)",
  ]
}

function groups({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table user_group (
      id ${text} primary key,
      org_id ${text} not null references organization (id) on delete cascade,
      name ${text} not null,
      slug ${text} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      unique (org_id, slug)
    ) ${strict}`,

    `create table user_group_member (
      group_id ${text} not null references user_group (id) on delete cascade,
      user_id ${text} not null references user_account (id) on delete cascade,
      created_at ${integer} not null,
      primary key (group_id, user_id)
    ) ${strict}`,
    "create index user_group_member_by_user on user_group_member (user_id)",

    `create table project_group (
      id ${text} primary key,
      project_id ${text} not null references project (id) on delete cascade,
      group_id ${text} not null references user_group (id) on delete cascade,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      unique (project_id, group_id)
    ) ${strict}`,
    "create index project_group_by_group on project_group (group_id)",

    `create table project_group_role (
      id ${text} primary key,
      membership_id ${text} not null references project_group (id) on delete cascade,
      role ${text} not null,
      is_temporary ${integer} not null check (is_temporary in (0, 1)),
      temporary_mode ${text},
      temporary_range ${text},
      starts_at ${integer},
      ends_at ${integer},
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,
    "create index project_group_role_by_membership on project_group_role (membership_id)",
  ]
}
