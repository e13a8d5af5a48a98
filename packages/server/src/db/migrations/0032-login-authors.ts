import type { ColumnTypes } from "./column-types.ts"

/**
 * Who may know how to log in as an identity, because they set up, changed or handed out a way in. Those who did it before
 * this table was there are unknown.
 */
export function loginAuthors({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table auth_method_author (
      auth_method_id ${text} not null references identity_auth_method (id) on delete cascade,
      author_id ${text} not null,
      author_type ${text} not null check (author_type in ('user', 'identity')),
      author_name ${text} not null,
      acted_at ${integer} not null,
      primary key (auth_method_id, author_id)
    ) ${strict}`,
  ]
}
