import type { ColumnTypes } from "./column-types.ts"

/** Where readers of the change feed stand, how far back it reaches, and the webhooks that it drives. */
export function webhookTables(types: ColumnTypes): readonly string[] {
  return [...feed(types), ...webhooks(types)]
}

function feed({ text, integer, strict }: ColumnTypes): readonly string[] {
  return [
    `create table change_floor (
      project_id ${text} primary key references project (id) on delete cascade,
      revision ${integer} not null
    ) ${strict}`,

    `create table change_cursor (
      project_id ${text} not null references project (id) on delete cascade,
      consumer ${text} not null,
      revision ${integer} not null,
      primary key (project_id, consumer)
    ) ${strict}`,
  ]
}

function webhooks({ text, integer, bytes, strict }: ColumnTypes): readonly string[] {
  return [
    `create table webhook (
      id ${text} primary key,
      project_id ${text} not null references project (id) on delete cascade,
      environment_id ${text} not null references environment (id) on delete cascade,
      secret_path ${text} not null,
      type ${text} not null check (type in ('general', 'slack', 'microsoft-teams')),
      url_sealed ${bytes} not null,
      key_sealed ${bytes},
      events_filter ${text} not null,
      is_disabled ${integer} not null check (is_disabled in (0, 1)),
      last_status ${text} check (last_status in ('success', 'failed')),
      last_run_error ${text},
      last_run_at ${integer},
      actor_type ${text} not null,
      actor_id ${text} not null,
      created_at ${integer} not null,
      updated_at ${integer} not null
    ) ${strict}`,
    "create index webhook_by_project on webhook (project_id)",
    "create index webhook_by_environment on webhook (environment_id)",

    `create table webhook_delivery (
      id ${text} primary key,
      webhook_id ${text} not null references webhook (id) on delete cascade,
      project_id ${text} not null references project (id) on delete cascade,
      event ${text} not null,
      revision ${integer},
      environment_slug ${text} not null,
      secret_path ${text} not null,
      actor_type ${text} not null,
      actor_name ${text} not null,
      state ${text} not null check (state in ('pending', 'success', 'failed')),
      attempts ${integer} not null,
      next_attempt_at ${integer} not null,
      lease_holder ${text},
      lease_until ${integer} not null,
      created_at ${integer} not null,
      finished_at ${integer}
    ) ${strict}`,
    "create index webhook_delivery_due on webhook_delivery (next_attempt_at) where state = 'pending'",
    "create index webhook_delivery_by_webhook on webhook_delivery (webhook_id, created_at)",
    "create index webhook_delivery_by_project on webhook_delivery (project_id)",

    `create table webhook_attempt (
      delivery_id ${text} not null references webhook_delivery (id) on delete cascade,
      attempt ${integer} not null,
      at ${integer} not null,
      duration_ms ${integer} not null,
      status_code ${integer},
      error ${text},
      primary key (delivery_id, attempt)
    ) ${strict}`,
  ]
}
