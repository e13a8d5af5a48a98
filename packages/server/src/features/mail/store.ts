/** The only file that names the table mail_outbox. */
import type { Reader, Writer } from "../../db/database.ts"
import type { MailOutboxTable } from "../../db/schema.ts"

export type WaitingMail = {
  readonly id: string
  readonly orgId: string
  readonly kind: string
  readonly recipient: string
  readonly contentSealed: Uint8Array
  /** That were made before. */
  readonly attempts: number
  readonly giveUpAt: number
}

export async function insertMail(
  db: Writer,
  mail: Omit<WaitingMail, "attempts">,
  now: number,
): Promise<void> {
  await db
    .insertInto("mail_outbox")
    .values({
      id: mail.id,
      org_id: mail.orgId,
      kind: mail.kind,
      recipient: mail.recipient,
      content_sealed: mail.contentSealed,
      state: "pending",
      attempts: 0,
      next_attempt_at: now,
      give_up_at: mail.giveUpAt,
      last_error: null,
      created_at: now,
      finished_at: null,
    })
    .execute()
}

/** Those that wait longest first. */
export async function listDueMails(db: Reader, now: number, limit: number): Promise<readonly WaitingMail[]> {
  const rows = await db
    .selectFrom("mail_outbox")
    .selectAll()
    .where("state", "=", "pending")
    .where("next_attempt_at", "<=", now)
    .orderBy("next_attempt_at")
    .orderBy("id")
    .limit(limit)
    .execute()
  return rows.flatMap(waitingOf)
}

export type Outcome =
  | { readonly kind: "sent" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "again"; readonly at: number; readonly reason: string }

/** Writes down what became of an attempt; what is over keeps no content. */
export async function recordOutcome(
  db: Writer,
  mail: Pick<WaitingMail, "id" | "attempts">,
  outcome: Outcome,
  now: number,
): Promise<void> {
  const ended = { content_sealed: null, finished_at: now } as const
  const change: Partial<MailOutboxTable> =
    outcome.kind === "again"
      ? { next_attempt_at: outcome.at, last_error: outcome.reason }
      : outcome.kind === "sent"
        ? { state: "sent", last_error: null, ...ended }
        : { state: "failed", last_error: outcome.reason, ...ended }
  await db
    .updateTable("mail_outbox")
    .set({ ...change, attempts: mail.attempts + 1 })
    .where("id", "=", mail.id)
    .where("state", "=", "pending")
    .execute()
}

/** Forgets mails that ended long ago, at most a thousand; returns how many. */
export async function removeOldMails(db: Writer, before: number): Promise<number> {
  const old = db
    .selectFrom("mail_outbox")
    .select("id")
    .where("state", "<>", "pending")
    .where("finished_at", "<", before)
    .limit(1_000)
  const result = await db.deleteFrom("mail_outbox").where("id", "in", old).executeTakeFirst()
  return Number(result.numDeletedRows)
}

function waitingOf(row: MailOutboxTable): readonly WaitingMail[] {
  if (row.content_sealed === null) return []
  return [
    {
      id: row.id,
      orgId: row.org_id,
      kind: row.kind,
      recipient: row.recipient,
      contentSealed: row.content_sealed,
      attempts: row.attempts,
      giveUpAt: row.give_up_at,
    },
  ]
}
