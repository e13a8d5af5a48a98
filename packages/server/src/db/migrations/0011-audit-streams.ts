import type { ColumnTypes } from "./column-types.ts"

/**
 * Streams that publish the audit log elsewhere, each with its own place in every log; what retention took out of the
 * middle of a log; and which replica does the work that only one may do.
 */
export function auditStreamTables({ text, integer, bytes, strict }: ColumnTypes): readonly string[] {
  return [
    `create table task_lease (
      name ${text} primary key,
      holder ${text} not null,
      held_until ${integer} not null
    ) ${strict}`,

    `create table audit_stream (
      id ${text} primary key,
      org_id ${text} not null,
      name ${text} not null,
      kind ${text} not null,
      settings ${text} not null,
      credential_sealed ${bytes},
      enabled ${integer} not null,
      revision ${integer} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,
    "create unique index audit_stream_by_name on audit_stream (org_id, name)",

    `create table audit_stream_cursor (
      stream_id ${text} not null,
      log_id ${text} not null,
      next_seq ${integer} not null,
      delivered_at ${integer} not null,
      primary key (stream_id, log_id)
    ) ${strict}`,

    `create table audit_stream_health (
      stream_id ${text} primary key,
      problem ${text},
      problem_at ${integer},
      delivered_at ${integer}
    ) ${strict}`,

    `create table audit_redaction (
      log_id ${text} not null,
      from_seq ${integer} not null,
      to_seq ${integer} not null,
      seqs ${text} not null,
      at ${integer} not null,
      signature ${bytes} not null,
      primary key (log_id, from_seq)
    ) ${strict}`,

    `alter table organization add column audit_retention_days ${integer}`,

    // What is not read all the time is searched by type. The two events of every read are left out: they would be
    // nearly all of the index, and make every read dearer.
    `create index audit_event_by_type on audit_event (org_id, type, at)
      where type <> 'get-secret' and type <> 'get-secrets'`,
  ]
}
