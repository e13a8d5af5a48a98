import type { ColumnTypes } from "./column-types.ts"

/**
 * The audit logs. No foreign key leads out of them: what happened stays when what it happened to is gone. The primary
 * keys of events and heads are what stops two writers from appending to one log.
 */
export function auditTables({ text, integer, bytes, strict }: ColumnTypes): readonly string[] {
  return [
    `create table audit_log (
      id ${text} primary key,
      public_key ${bytes} not null,
      writer ${text},
      writer_until ${integer},
      snapshot_size ${integer} not null,
      snapshot_range ${bytes} not null,
      created_at ${integer} not null
    ) ${strict}`,

    `create table audit_event (
      log_id ${text} not null,
      seq ${integer} not null,
      id ${text} not null,
      at ${integer} not null,
      type ${text} not null,
      org_id ${text} not null,
      project_id ${text},
      actor_type ${text} not null,
      actor_id ${text},
      body ${text} not null,
      leaf_hash ${bytes} not null,
      primary key (log_id, seq)
    ) ${strict}`,
    "create index audit_event_by_organization on audit_event (org_id, at)",
    "create index audit_event_by_project on audit_event (project_id, at) where project_id is not null",

    `create table audit_head (
      log_id ${text} not null,
      size ${integer} not null,
      root_hash ${bytes} not null,
      at ${integer} not null,
      signature ${bytes} not null,
      primary key (log_id, size)
    ) ${strict}`,

    `create table audit_prune (
      log_id ${text} not null,
      size ${integer} not null,
      compact_range ${text} not null,
      at ${integer} not null,
      signature ${bytes} not null,
      primary key (log_id, size)
    ) ${strict}`,
  ]
}
