/** Deliveries of webhooks and their attempts: the queue that every process takes from, and what became of it. */
import { chunksOf } from "../../db/chunks.ts"
import type { Reader, Writer } from "../../db/database.ts"
import { fixedStatement } from "../../db/fixed-statement.ts"
import type { WebhookDeliveryTable } from "../../db/schema.ts"
import type { Author } from "./store.ts"

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

export async function insertDeliveries(db: Writer, deliveries: readonly NewDelivery[]): Promise<void> {
  for (const chunk of chunksOf(deliveries)) {
    const rows = chunk.map(
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
