import type { ColumnTypes } from "./column-types.ts"

/** Facts about this instance, and its wrapped keys: at most one active key per purpose and per project. */
export function instanceTables({ text, integer, bytes, strict }: ColumnTypes): readonly string[] {
  return [
    `create table instance_setting (
      name ${text} primary key,
      value ${text} not null,
      updated_at ${integer} not null
    ) ${strict}`,

    `create table keyring_key (
      id ${text} primary key,
      purpose ${text} not null,
      wrapped_key ${bytes} not null,
      created_at ${integer} not null,
      retired_at ${integer}
    ) ${strict}`,
    "create unique index keyring_key_active on keyring_key (purpose) where retired_at is null",

    `create table project_data_key (
      id ${text} primary key,
      project_id ${text} not null references project (id) on delete cascade,
      wrapping_key_id ${text} not null,
      wrapped_key ${bytes} not null,
      created_at ${integer} not null,
      retired_at ${integer}
    ) ${strict}`,
    "create index project_data_key_by_project on project_data_key (project_id)",
    "create unique index project_data_key_active on project_data_key (project_id) where retired_at is null",
  ]
}
