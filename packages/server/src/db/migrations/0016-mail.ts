import type { ColumnTypes } from "./column-types.ts"

/** Mails that wait to be sent, which reminders were mailed, and the projects that an invitation is for. */
export function mailTables({ text, integer, bytes, strict }: ColumnTypes): readonly string[] {
  return [
    `create table mail_outbox (
      id ${text} primary key,
      org_id ${text} not null references organization (id) on delete cascade,
      kind ${text} not null,
      recipient ${text} not null,
      content_sealed ${bytes},
      state ${text} not null check (state in ('pending', 'sent', 'failed')),
      attempts ${integer} not null,
      next_attempt_at ${integer} not null,
      give_up_at ${integer} not null,
      last_error ${text},
      created_at ${integer} not null,
      finished_at ${integer}
    ) ${strict}`,
    "create index mail_outbox_due on mail_outbox (next_attempt_at) where state = 'pending'",
    "create index mail_outbox_finished on mail_outbox (finished_at) where state <> 'pending'",
    "create index mail_outbox_by_organization on mail_outbox (org_id)",

    `create table mailed_reminder (
      secret_id ${text} not null references secret (id) on delete cascade,
      due_at ${integer} not null,
      primary key (secret_id, due_at)
    ) ${strict}`,

    `create table invitation_project (
      invitation_id ${text} not null references invitation (id) on delete cascade,
      project_id ${text} not null references project (id) on delete cascade,
      role ${text} not null,
      primary key (invitation_id, project_id, role)
    ) ${strict}`,
    "create index invitation_project_by_project on invitation_project (project_id)",
  ]
}
