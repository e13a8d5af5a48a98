import type { ColumnTypes } from "./column-types.ts"

/**
 * What outlives a project's name or the project itself: slugs that it had, and the last revision of one that was
 * deleted; and what comes before its life: an import that is not complete yet.
 */
export function projectLifeTables({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    "alter table project add column is_importing integer not null default 0",

    `create table project_import (
      project_id ${text} primary key references project (id) on delete cascade,
      touched_at ${integer} not null
    ) ${strict}`,

    `create table former_slug (
      org_id ${text} not null references organization (id) on delete cascade,
      slug ${text} not null,
      project_id ${text} not null references project (id) on delete cascade,
      until ${integer} not null,
      primary key (org_id, slug)
    ) ${strict}`,
    "create index former_slug_by_project on former_slug (project_id)",

    `create table former_project (
      id ${text} primary key,
      revision ${integer} not null,
      removed_at ${integer} not null
    ) ${strict}`,
  ]
}

/** Tells the import of a project from an earlier one of the same project that was given up. */
export function projectImportToken({ text }: ColumnTypes): readonly string[] {
  return [`alter table project_import add column token ${text} not null default ''`]
}
