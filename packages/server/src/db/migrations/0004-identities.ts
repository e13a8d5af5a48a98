import type { ColumnTypes } from "./column-types.ts"

/** Machine identities, how they prove themselves, and the tokens they hold. */
export function identityTables(types: ColumnTypes): readonly string[] {
  return [...identities(types), ...credentials(types)]
}

function identities({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table identity (
      id ${text} primary key,
      org_id ${text} not null references organization (id) on delete cascade,
      name ${text} not null,
      has_delete_protection ${integer} not null check (has_delete_protection in (0, 1)),
      metadata ${text} not null,
      epoch ${integer} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,
    "create index identity_by_organization on identity (org_id)",

    `create table identity_auth_method (
      id ${text} primary key,
      identity_id ${text} not null references identity (id) on delete cascade,
      method ${text} not null,
      client_id ${text} unique,
      access_token_ttl ${integer} not null,
      access_token_max_ttl ${integer} not null,
      access_token_period ${integer} not null,
      access_token_uses_limit ${integer} not null,
      access_token_trusted_ips ${text} not null,
      settings ${text} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      unique (identity_id, method)
    ) ${strict}`,
  ]
}

function credentials({ text, integer, bytes, strict }: ColumnTypes): readonly string[] {
  return [
    `create table client_secret (
      id ${text} primary key,
      auth_method_id ${text} not null references identity_auth_method (id) on delete cascade,
      identity_id ${text} not null references identity (id) on delete cascade,
      secret_hash ${bytes} not null,
      prefix ${text} not null,
      description ${text} not null,
      ttl_seconds ${integer} not null,
      uses ${integer} not null,
      uses_limit ${integer} not null,
      revoked_at ${integer},
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,
    "create index client_secret_by_auth_method on client_secret (auth_method_id, prefix)",
    "create index client_secret_by_identity on client_secret (identity_id)",

    `create table access_token (
      id ${text} primary key,
      org_id ${text} not null references organization (id) on delete cascade,
      identity_id ${text} references identity (id) on delete cascade,
      user_id ${text} references user_account (id) on delete cascade,
      auth_method_id ${text},
      client_secret_id ${text},
      method ${text} not null,
      name ${text},
      uses ${integer} not null,
      uses_limit ${integer} not null,
      ttl_seconds ${integer} not null,
      max_ttl_seconds ${integer} not null,
      period_seconds ${integer} not null,
      expires_at ${integer},
      revoked_at ${integer},
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,
    "create index access_token_by_organization on access_token (org_id)",
    "create index access_token_by_identity on access_token (identity_id)",
    "create index access_token_by_user on access_token (user_id)",
    "create index access_token_by_client_secret on access_token (client_secret_id)",
    "create index access_token_by_expiry on access_token (expires_at)",

    `create table login_failure (
      client_id ${text} not null,
      source ${text} not null,
      failures ${integer} not null,
      window_started_at ${integer} not null,
      locked_until ${integer},
      primary key (client_id, source)
    ) ${strict}`,
  ]
}
