/** The only file that names the tables webhook, webhook_delivery and webhook_attempt. */
import type { WebhookType } from "@coffer/contract"
import type { Reader, Writer } from "../../db/database.ts"
import { fixedStatement } from "../../db/fixed-statement.ts"
import type { WebhookDeliveryTable, WebhookTable } from "../../db/schema.ts"

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

export async function findWebhook(db: Reader, id: string): Promise<WebhookRecord | undefined> {
  const row = await db.selectFrom("webhook").selectAll().where("id", "=", id).executeTakeFirst()
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

export type Delivery = {
  readonly id: string
  readonly webhookId: string
  readonly projectId: string
  readonly event: string
  readonly environment: string
  readonly secretPath: string
  readonly author: Author
  /** Attempts that were made before. */
  readonly attempts: number
}

export type NewDelivery = Omit<Delivery, "attempts"> & {
  readonly revision: number | null
  readonly createdAt: number
  /** Set when its maker delivers it at once. */
  readonly lease?: Lease
}

export type Lease = { readonly holder: string; readonly until: number }

const rowsPerInsert = 500

export async function insertDeliveries(db: Writer, deliveries: readonly NewDelivery[]): Promise<void> {
  for (let from = 0; from < deliveries.length; from += rowsPerInsert) {
    const rows = deliveries.slice(from, from + rowsPerInsert).map(
      (delivery): WebhookDeliveryTable => ({
        id: delivery.id,
        webhook_id: delivery.webhookId,
        project_id: delivery.projectId,
        event: delivery.event,
        revision: delivery.revision,
        environment_slug: delivery.environment,
        secret_path: delivery.secretPath,
        actor_type: delivery.author.type,
        actor_name: delivery.author.name,
        state: "pending",
        attempts: 0,
        next_attempt_at: delivery.createdAt,
        lease_holder: delivery.lease?.holder ?? null,
        lease_until: delivery.lease?.until ?? 0,
        created_at: delivery.createdAt,
        finished_at: null,
      }),
    )
    await db.insertInto("webhook_delivery").values(rows).execute()
  }
}

const selectDueWebhooks = fixedStatement((db, { now, limit }: { now: number; limit: number }) =>
  db
    .selectFrom("webhook_delivery")
    .select((eb) => ["webhook_id", eb.fn.min("next_attempt_at").as("since")])
    .where("state", "=", "pending")
    .where("next_attempt_at", "<=", now)
    .where("lease_until", "<=", now)
    .groupBy("webhook_id")
    .orderBy("since")
    .limit(limit),
)

/** Webhooks with something to deliver now, those that wait longest first. Asked after every commit. */
export async function listDueWebhooks(db: Reader, now: number, limit: number): Promise<string[]> {
  const rows = await selectDueWebhooks(db, { now, limit })
  return rows.map((row) => row.webhook_id)
}

/** Takes the oldest delivery of a webhook that is due and nobody's; `undefined` when another process was faster. */
export async function claimDelivery(
  db: Writer,
  webhookId: string,
  lease: Lease,
  now: number,
): Promise<Delivery | undefined> {
  const oldest = await db
    .selectFrom("webhook_delivery")
    .select("id")
    .where("webhook_id", "=", webhookId)
    .where("state", "=", "pending")
    .where("next_attempt_at", "<=", now)
    .where("lease_until", "<=", now)
    .orderBy("next_attempt_at")
    .orderBy("revision")
    .limit(1)
    .executeTakeFirst()
  if (oldest === undefined) return undefined
  const row = await db
    .updateTable("webhook_delivery")
    .set({ lease_holder: lease.holder, lease_until: lease.until })
    .where("id", "=", oldest.id)
    .where("state", "=", "pending")
    .where("lease_until", "<=", now)
    .returningAll()
    .executeTakeFirst()
  return row === undefined ? undefined : deliveryOf(row)
}

function deliveryOf(row: WebhookDeliveryTable): Delivery {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    projectId: row.project_id,
    event: row.event,
    environment: row.environment_slug,
    secretPath: row.secret_path,
    author: { type: row.actor_type, name: row.actor_name },
    attempts: row.attempts,
  }
}

/** Gives a delivery back untried. */
export async function releaseDelivery(db: Writer, id: string, holder: string): Promise<void> {
  await db
    .updateTable("webhook_delivery")
    .set({ lease_holder: null, lease_until: 0 })
    .where("id", "=", id)
    .where("lease_holder", "=", holder)
    .execute()
}

/** Gives back what any process has in hand. Only for who knows that all the others are dead. */
export async function endDeliveryLeases(db: Writer): Promise<void> {
  await db
    .updateTable("webhook_delivery")
    .set({ lease_holder: null, lease_until: 0 })
    .where("state", "=", "pending")
    .where("lease_until", ">", 0)
    .execute()
}

export type Outcome = {
  readonly status: "success" | "failed"
  readonly at: number
  readonly durationMs: number
  readonly statusCode: number | null
  /** What went wrong, without anything of the answer's body. */
  readonly error: string | null
  /** When to try again; `undefined` when it is over. */
  readonly nextAttemptAt: number | undefined
}

/** Writes down what became of an attempt; false when the lease was lost and another process has the word. */
export async function recordAttempt(
  db: Writer,
  delivery: Delivery,
  holder: string,
  outcome: Outcome,
): Promise<boolean> {
  const attempt = delivery.attempts + 1
  const isOver = outcome.nextAttemptAt === undefined
  const updated = await db
    .updateTable("webhook_delivery")
    .set({
      attempts: attempt,
      state: isOver ? outcome.status : "pending",
      next_attempt_at: outcome.nextAttemptAt ?? outcome.at,
      finished_at: isOver ? outcome.at + outcome.durationMs : null,
      lease_holder: null,
      lease_until: 0,
    })
    .where("id", "=", delivery.id)
    .where("lease_holder", "=", holder)
    .where("state", "=", "pending")
    .executeTakeFirst()
  if (Number(updated.numUpdatedRows) === 0) return false
  const { at, durationMs: duration_ms, statusCode: status_code, error } = outcome
  await db
    .insertInto("webhook_attempt")
    .values({ delivery_id: delivery.id, attempt, at, duration_ms, status_code, error })
    .execute()
  await db
    .updateTable("webhook")
    .set({ last_status: outcome.status, last_run_error: error, last_run_at: at })
    .where("id", "=", delivery.webhookId)
    .execute()
  return true
}

/** Gives up what a webhook has not been told yet. */
export async function dropPending(db: Writer, webhookId: string, now: number): Promise<void> {
  await db
    .updateTable("webhook_delivery")
    .set({ state: "failed", finished_at: now, lease_holder: null, lease_until: 0 })
    .where("webhook_id", "=", webhookId)
    .where("state", "=", "pending")
    .execute()
}

/** Forgets deliveries that ended before a moment, some at a time. @returns how many */
export async function removeOldDeliveries(db: Writer, before: number): Promise<number> {
  const result = await db
    .deleteFrom("webhook_delivery")
    .where((eb) =>
      eb(
        "id",
        "in",
        eb.selectFrom("webhook_delivery").select("id").where("finished_at", "<", before).limit(1_000),
      ),
    )
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

export type DeliveryReport = Delivery & {
  readonly state: "pending" | "success" | "failed"
  readonly nextAttemptAt: number
  readonly createdAt: number
  readonly finishedAt: number | null
  readonly log: readonly {
    readonly attempt: number
    readonly at: number
    readonly durationMs: number
    readonly statusCode: number | null
    readonly error: string | null
  }[]
}

/** Deliveries of a webhook with their attempts, the newest first. */
export async function listDeliveries(
  db: Reader,
  webhookId: string,
  page: { readonly offset: number; readonly limit: number },
): Promise<DeliveryReport[]> {
  const rows = await db
    .selectFrom("webhook_delivery")
    .selectAll()
    .where("webhook_id", "=", webhookId)
    .orderBy("created_at", "desc")
    .orderBy("revision", "desc")
    .orderBy("id")
    .offset(page.offset)
    .limit(page.limit)
    .execute()
  if (rows.length === 0) return []
  const attempts = await db
    .selectFrom("webhook_attempt")
    .selectAll()
    .where(
      "delivery_id",
      "in",
      rows.map((row) => row.id),
    )
    .orderBy("attempt")
    .execute()
  const byDelivery = Map.groupBy(attempts, (attempt) => attempt.delivery_id)
  return rows.map((row) => ({
    ...deliveryOf(row),
    state: row.state,
    nextAttemptAt: row.next_attempt_at,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    log: (byDelivery.get(row.id) ?? []).map((one) => ({
      attempt: one.attempt,
      at: one.at,
      durationMs: one.duration_ms,
      statusCode: one.status_code,
      error: one.error,
    })),
  }))
}
