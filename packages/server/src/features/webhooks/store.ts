/** Webhooks, and what their messages call things. With `deliveries-store.ts` the only file that names their tables. */
import type { WebhookType } from "@coffer/contract"
import type { Reader, Writer } from "../../db/database.ts"
import type { WebhookTable } from "../../db/schema.ts"

export type WebhookRecord = {
  readonly id: string
  readonly projectId: string
  readonly environmentId: string
  readonly secretPath: string
  readonly type: WebhookType
  readonly urlSealed: Uint8Array
  readonly keySealed: Uint8Array | null
  readonly eventsFilter: readonly string[]
  readonly isDisabled: boolean
  readonly lastStatus: "success" | "failed" | null
  readonly lastRunError: string | null
  readonly lastRunAt: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

export async function insertWebhook(
  db: Writer,
  webhook: WebhookRecord,
  actor: { readonly kind: string; readonly id: string },
): Promise<void> {
  await db
    .insertInto("webhook")
    .values({
      id: webhook.id,
      project_id: webhook.projectId,
      environment_id: webhook.environmentId,
      secret_path: webhook.secretPath,
      type: webhook.type,
      url_sealed: webhook.urlSealed,
      key_sealed: webhook.keySealed,
      events_filter: JSON.stringify(webhook.eventsFilter),
      is_disabled: webhook.isDisabled ? 1 : 0,
      last_status: null,
      last_run_error: null,
      last_run_at: null,
      actor_type: actor.kind,
      actor_id: actor.id,
      created_at: webhook.createdAt,
      updated_at: webhook.updatedAt,
    })
    .execute()
}

export async function updateWebhook(
  db: Writer,
  webhook: Pick<WebhookRecord, "id" | "isDisabled" | "eventsFilter" | "updatedAt">,
): Promise<void> {
  await db
    .updateTable("webhook")
    .set({
      is_disabled: webhook.isDisabled ? 1 : 0,
      events_filter: JSON.stringify(webhook.eventsFilter),
      updated_at: webhook.updatedAt,
    })
    .where("id", "=", webhook.id)
    .execute()
}

/** Removes it with its deliveries. */
export async function removeWebhook(db: Writer, id: string): Promise<void> {
  await db.deleteFrom("webhook").where("id", "=", id).execute()
}

/** `undefined` when there is no such webhook, or its project is gone: then nobody is told of anything any more. */
export async function findWebhook(db: Reader, id: string): Promise<WebhookRecord | undefined> {
  const row = await db
    .selectFrom("webhook as w")
    .innerJoin("project as p", "p.id", "w.project_id")
    .selectAll("w")
    .where("w.id", "=", id)
    .where("p.is_hidden", "=", 0)
    .executeTakeFirst()
  return row === undefined ? undefined : webhookOf(row)
}

/** Of one project, the oldest first. */
export async function listWebhooks(db: Reader, projectId: string): Promise<WebhookRecord[]> {
  const rows = await db
    .selectFrom("webhook")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("created_at")
    .orderBy("id")
    .execute()
  return rows.map(webhookOf)
}

function webhookOf(row: WebhookTable): WebhookRecord {
  return {
    id: row.id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    secretPath: row.secret_path,
    type: row.type,
    urlSealed: row.url_sealed,
    keySealed: row.key_sealed,
    eventsFilter: JSON.parse(row.events_filter) as string[],
    isDisabled: row.is_disabled === 1,
    lastStatus: row.last_status,
    lastRunError: row.last_run_error,
    lastRunAt: row.last_run_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** Whom a change of a project is told to have been made by. */
export type Author = { readonly type: string; readonly name: string }

/** Who wrote a revision, by what the history says; `platform` when it says nothing. */
export async function findAuthor(db: Reader, projectId: string, revision: number): Promise<Author> {
  for (const table of ["secret_version", "secret_import_version", "folder_version"] as const) {
    const row = await db
      .selectFrom(table)
      .select(["actor_type", "actor_id"])
      .where("project_id", "=", projectId)
      .where("revision", "=", revision)
      .limit(1)
      .executeTakeFirst()
    if (row !== undefined)
      return { type: row.actor_type, name: await nameOf(db, row.actor_type, row.actor_id) }
  }
  return { type: "platform", name: "Coffer" }
}

async function nameOf(db: Reader, type: string, id: string): Promise<string> {
  if (type === "user") {
    const user = await db.selectFrom("user_account").select("email").where("id", "=", id).executeTakeFirst()
    return user?.email ?? id
  }
  const identity = await db.selectFrom("identity").select("name").where("id", "=", id).executeTakeFirst()
  return identity?.name ?? id
}

/** What the messages call a project and an environment; `undefined` when either is gone. */
export async function findNames(
  db: Reader,
  of: { readonly projectId: string; readonly environmentId: string },
): Promise<{ orgId: string; projectName: string; environmentName: string } | undefined> {
  const row = await db
    .selectFrom("project as p")
    .innerJoin("environment as e", "e.project_id", "p.id")
    .select(["p.org_id", "p.name", "e.name as environment_name"])
    .where("p.id", "=", of.projectId)
    .where("e.id", "=", of.environmentId)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return { orgId: row.org_id, projectName: row.name, environmentName: row.environment_name }
}
