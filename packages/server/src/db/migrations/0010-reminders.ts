import type { ColumnTypes } from "./column-types.ts"

/** From when the reminder of a secret counts: it starts anew with every new value. */
export function reminderTables({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table secret_reminder (
      secret_id ${text} primary key references secret (id) on delete cascade,
      project_id ${text} not null references project (id) on delete cascade,
      counts_from ${integer} not null
    ) ${strict}`,
    "create index secret_reminder_by_project on secret_reminder (project_id)",
  ]
}
