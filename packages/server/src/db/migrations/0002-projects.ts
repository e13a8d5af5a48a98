import type { ColumnTypes } from "./column-types.ts"

/** Projects, what they hold besides secrets, who may enter them, and the record of every change by revision. */
export function projectTables(types: ColumnTypes): readonly string[] {
  return [...projects(types), ...folders(types), ...memberships(types)]
}

function projects({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table project (
      id ${text} primary key,
      org_id ${text} not null references organization (id) on delete cascade,
      name ${text} not null,
      slug ${text} not null,
      description ${text},
      revision ${integer} not null,
      auto_capitalization ${integer} not null check (auto_capitalization in (0, 1)),
      has_delete_protection ${integer} not null check (has_delete_protection in (0, 1)),
      version_limit ${integer},
      audit_retention_days ${integer},
      created_at ${integer} not null,
      updated_at ${integer} not null,
      unique (org_id, slug)
    ) ${strict}`,

    `create table environment (
      id ${text} primary key,
      project_id ${text} not null references project (id) on delete cascade,
      name ${text} not null,
      slug ${text} not null,
      position ${integer} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      unique (project_id, slug)
    ) ${strict}`,

    `create table tag (
      id ${text} primary key,
      project_id ${text} not null references project (id) on delete cascade,
      slug ${text} not null,
      color ${text},
      created_by ${text} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      unique (project_id, slug)
    ) ${strict}`,

    `create table change (
      project_id ${text} not null references project (id) on delete cascade,
      revision ${integer} not null,
      ordinal ${integer} not null,
      kind ${text} not null,
      environment_id ${text},
      folder_id ${text},
      path ${text},
      keys ${text} not null,
      at ${integer} not null,
      primary key (project_id, revision, ordinal)
    ) ${strict}`,
  ]
}

function folders({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table folder (
      id ${text} primary key,
      project_id ${text} not null references project (id) on delete cascade,
      environment_id ${text} not null references environment (id) on delete cascade,
      parent_id ${text} references folder (id) on delete cascade,
      name ${text} not null,
      description ${text},
      version ${integer} not null,
      revision ${integer} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,
    "create index folder_by_project on folder (project_id)",
    "create unique index folder_name on folder (parent_id, name) where parent_id is not null",
    "create unique index folder_root on folder (environment_id) where parent_id is null",

    `create table folder_version (
      folder_id ${text} not null,
      version ${integer} not null,
      project_id ${text} not null references project (id) on delete cascade,
      revision ${integer} not null,
      op ${text} not null check (op in ('create', 'update', 'delete')),
      environment_id ${text} not null,
      parent_id ${text},
      name ${text} not null,
      description ${text},
      actor_type ${text} not null,
      actor_id ${text} not null,
      at ${integer} not null,
      primary key (folder_id, version)
    ) ${strict}`,
    "create index folder_version_by_revision on folder_version (project_id, revision)",
  ]
}

function memberships({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table project_membership (
      id ${text} primary key,
      project_id ${text} not null references project (id) on delete cascade,
      actor_type ${text} not null check (actor_type in ('user', 'identity')),
      actor_id ${text} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      unique (project_id, actor_type, actor_id)
    ) ${strict}`,
    "create index project_membership_by_actor on project_membership (actor_id)",

    `create table project_membership_role (
      id ${text} primary key,
      membership_id ${text} not null references project_membership (id) on delete cascade,
      role ${text} not null,
      is_temporary ${integer} not null check (is_temporary in (0, 1)),
      temporary_mode ${text},
      temporary_range ${text},
      starts_at ${integer},
      ends_at ${integer},
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,
    "create index project_membership_role_by_membership on project_membership_role (membership_id)",
  ]
}
