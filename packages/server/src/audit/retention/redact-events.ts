import type { Writer } from "../../db/database.ts"
import type { AuditEventTable } from "../../db/schema.ts"
import type { AuditSigner } from "../audit-head.ts"
import { redactedColumns, redactionRowOf } from "../audit-redaction.ts"
import { isIntact } from "./intact-row.ts"
import { streamGraceMs } from "./stream-hold.ts"

export type RedactInput = {
  /** Whose events, and before when. */
  readonly target: { readonly column: "org_id" | "project_id"; readonly id: string; readonly before: number }
  readonly signer: AuditSigner
  readonly now: number
  readonly sliceSize: number
  /** Events that were found changed in this run; they stay, as evidence. */
  readonly passedOver: Set<string>
}

export type RedactOutcome = { readonly count: number; readonly isDone: boolean }

/**
 * Empties events whose time is over while that of their neighbours is not, under a signed record. To be run in one
 * transaction, again and again until it is done.
 */
export async function redactSlice(db: Writer, input: RedactInput): Promise<RedactOutcome> {
  const { target, sliceSize, passedOver } = input
  const limit = sliceSize + passedOver.size
  const rows = await db
    .selectFrom("audit_event")
    .selectAll()
    .where(target.column, "=", target.id)
    .where("at", "<", target.before)
    .where((eb) =>
      eb.or([
        eb("at", "<", target.before - streamGraceMs),
        eb.not(
          eb.exists(
            eb
              .selectFrom("audit_stream_cursor as cursor")
              .select("cursor.stream_id")
              .whereRef("cursor.log_id", "=", "audit_event.log_id")
              .whereRef("cursor.next_seq", "<=", "audit_event.seq"),
          ),
        ),
      ]),
    )
    .orderBy("at")
    .limit(limit)
    .execute()
  const due: AuditEventTable[] = []
  for (const row of rows) {
    const place = `${row.log_id} ${row.seq}`
    if (passedOver.has(place)) continue
    if (isIntact(row)) due.push(row)
    else passedOver.add(place)
  }
  for (const [logId, ofLog] of Map.groupBy(due, (row) => row.log_id)) {
    const seqs = ofLog.map((row) => row.seq).toSorted((left, right) => left - right)
    await db
      .insertInto("audit_redaction")
      .values(redactionRowOf(logId, seqs, input.now, input.signer))
      .execute()
    for (let start = 0; start < seqs.length; start += 500) {
      await db
        .updateTable("audit_event")
        .set(redactedColumns)
        .where("log_id", "=", logId)
        .where("seq", "in", seqs.slice(start, start + 500))
        .execute()
    }
  }
  return { count: due.length, isDone: rows.length < limit }
}
