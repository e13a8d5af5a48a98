import type { ColumnTypes } from "./column-types.ts"

/** The organization, the people who administer it and everybody's organization role. */
export function organizationTables({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table organization (
      id ${text} primary key,
      name ${text} not null,
      slug ${text} not null unique,
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,

    `create table user_account (
      id ${text} primary key,
      email ${text} not null unique,
      first_name ${text} not null,
      last_name ${text} not null,
      password_hash ${text} not null,
      super_admin ${integer} not null check (super_admin in (0, 1)),
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,

    `create table organization_membership (
      id ${text} primary key,
      org_id ${text} not null references organization (id) on delete cascade,
      actor_type ${text} not null check (actor_type in ('user', 'identity')),
      actor_id ${text} not null,
      role ${text} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null,
      unique (org_id, actor_type, actor_id)
    ) ${strict}`,
    "create index organization_membership_by_actor on organization_membership (actor_id)",
  ]
}
