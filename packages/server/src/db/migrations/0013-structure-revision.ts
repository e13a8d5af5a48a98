import type { ColumnTypes } from "./column-types.ts"

/** The newest revision that changed more than the secrets of a project: what was known of the rest then is known now. */
export function structureRevision({ integer }: ColumnTypes): readonly string[] {
  return [`alter table project add column structure_revision ${integer} not null default 0`]
}
