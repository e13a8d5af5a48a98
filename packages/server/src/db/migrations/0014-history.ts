import type { ColumnTypes } from "./column-types.ts"

/** Versions of environments, so that one that was deleted can come back; how long the trash is kept. */
export function historyTables({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table environment_version (
      environment_id ${text} not null,
      version ${integer} not null,
      project_id ${text} not null references project (id) on delete cascade,
      revision ${integer} not null,
      op ${text} not null check (op in ('create', 'update', 'delete')),
      name ${text} not null,
      slug ${text} not null,
      position ${integer} not null,
      actor_type ${text} not null,
      actor_id ${text} not null,
      at ${integer} not null,
      primary key (environment_id, version)
    ) ${strict}`,
    "create index environment_version_by_revision on environment_version (project_id, revision)",
    `alter table secret_import_version add column is_replication ${integer} not null default 0`,
    `alter table project add column trash_days ${integer}`,
  ]
}

/** The first versions of what was there before its versions were kept. */
export function historyOfEarlierRows(): readonly string[] {
  return [
    `insert into environment_version
      (environment_id, version, project_id, revision, op, name, slug, position, actor_type, actor_id, at)
    select e.id, 1, e.project_id, v.revision, 'create', e.name, e.slug, e.position, v.actor_type, v.actor_id, e.created_at
    from environment e
    join folder f on f.environment_id = e.id and f.parent_id is null
    join folder_version v on v.folder_id = f.id and v.version = 1`,
    `update secret_import_version set is_replication = 1 where import_id in
      (select id from secret_import where is_replication = 1)`,
  ]
}
