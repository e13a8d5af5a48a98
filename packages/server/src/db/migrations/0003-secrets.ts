import type { ColumnTypes } from "./column-types.ts"

/** Secrets and imports: append-only versions, and the current rows as their projection. */
export function secretTables(types: ColumnTypes): readonly string[] {
  return [...secrets(types), ...imports(types)]
}

function secrets({ text, integer, bytes, strict }: ColumnTypes): readonly string[] {
  return [
    `create table secret (
      id ${text} primary key,
      project_id ${text} not null references project (id) on delete cascade,
      environment_id ${text} not null references environment (id) on delete cascade,
      folder_id ${text} not null references folder (id) on delete cascade,
      key ${text} not null,
      type ${text} not null check (type in ('shared', 'personal')),
      user_id ${text},
      version ${integer} not null,
      revision ${integer} not null,
      value_sealed ${bytes} not null,
      comment_sealed ${bytes},
      skip_multiline_encoding ${integer} check (skip_multiline_encoding in (0, 1)),
      reminder_note ${text},
      reminder_repeat_days ${integer},
      metadata ${text} not null,
      tags ${text} not null,
      row_mac ${bytes} not null,
      actor_type ${text} not null,
      actor_id ${text} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      check ((type = 'personal') = (user_id is not null))
    ) ${strict}`,
    "create unique index secret_shared_key on secret (folder_id, key) where type = 'shared'",
    "create unique index secret_personal_key on secret (folder_id, key, user_id) where type = 'personal'",
    "create index secret_by_place on secret (project_id, folder_id, key)",
    "create index secret_by_environment on secret (environment_id)",

    `create table secret_version (
      secret_id ${text} not null,
      version ${integer} not null,
      project_id ${text} not null references project (id) on delete cascade,
      revision ${integer} not null,
      op ${text} not null check (op in ('create', 'update', 'delete')),
      environment_id ${text} not null,
      folder_id ${text} not null,
      key ${text} not null,
      type ${text} not null check (type in ('shared', 'personal')),
      user_id ${text},
      value_sealed ${bytes},
      comment_sealed ${bytes},
      skip_multiline_encoding ${integer} check (skip_multiline_encoding in (0, 1)),
      reminder_note ${text},
      reminder_repeat_days ${integer},
      metadata ${text} not null,
      tags ${text} not null,
      row_mac ${bytes} not null,
      actor_type ${text} not null,
      actor_id ${text} not null,
      at ${integer} not null,
      primary key (secret_id, version)
    ) ${strict}`,
    "create index secret_version_by_revision on secret_version (project_id, revision)",
    "create index secret_version_by_folder on secret_version (folder_id, key)",
  ]
}

function imports({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table secret_import (
      id ${text} primary key,
      project_id ${text} not null references project (id) on delete cascade,
      folder_id ${text} not null references folder (id) on delete cascade,
      import_environment_id ${text} not null references environment (id) on delete cascade,
      import_path ${text} not null,
      position ${integer} not null,
      is_replication ${integer} not null check (is_replication in (0, 1)),
      version ${integer} not null,
      revision ${integer} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,
    "create index secret_import_by_folder on secret_import (folder_id, position)",
    "create index secret_import_by_project on secret_import (project_id)",
    "create index secret_import_by_source on secret_import (import_environment_id)",

    `create table secret_import_version (
      import_id ${text} not null,
      version ${integer} not null,
      project_id ${text} not null references project (id) on delete cascade,
      revision ${integer} not null,
      op ${text} not null check (op in ('create', 'update', 'delete')),
      folder_id ${text} not null,
      import_environment_id ${text} not null,
      import_path ${text} not null,
      position ${integer} not null,
      actor_type ${text} not null,
      actor_id ${text} not null,
      at ${integer} not null,
      primary key (import_id, version)
    ) ${strict}`,
    "create index secret_import_version_by_revision on secret_import_version (project_id, revision)",
  ]
}
