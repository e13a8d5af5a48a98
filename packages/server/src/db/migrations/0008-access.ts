import type { ColumnTypes } from "./column-types.ts"

/** Custom roles of projects, and privileges of single members beyond their roles. */
export function accessTables({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table project_role (
      id ${text} primary key,
      project_id ${text} not null references project (id) on delete cascade,
      slug ${text} not null,
      name ${text} not null,
      description ${text},
      permissions ${text} not null,
      version ${integer} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      unique (project_id, slug)
    ) ${strict}`,

    `create table project_privilege (
      id ${text} primary key,
      membership_id ${text} not null references project_membership (id) on delete cascade,
      slug ${text} not null,
      permissions ${text} not null,
      is_temporary ${integer} not null check (is_temporary in (0, 1)),
      temporary_mode ${text},
      temporary_range ${text},
      starts_at ${integer},
      ends_at ${integer},
      version ${integer} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      check (is_temporary = 0 or (starts_at is not null and ends_at is not null)),
      unique (membership_id, slug)
    ) ${strict}`,
  ]
}
