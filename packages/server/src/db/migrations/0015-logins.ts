import type { ColumnTypes } from "./column-types.ts"

/** How often people tried to prove who they are, and links to set a new password. */
export function loginTables({ text, integer, bytes, strict }: ColumnTypes): readonly string[] {
  return [
    `create table login_attempt (
      subject ${text} not null,
      source ${text} not null,
      attempts ${integer} not null,
      window_started_at ${integer} not null,
      locked_until ${integer},
      primary key (subject, source)
    ) ${strict}`,
    "create index login_attempt_by_window on login_attempt (window_started_at)",

    `create table password_reset (
      user_id ${text} primary key references user_account (id) on delete cascade,
      token_hash ${bytes} not null unique,
      created_by ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer} not null
    ) ${strict}`,
  ]
}
