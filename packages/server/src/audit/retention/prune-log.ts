import type { Writer } from "../../db/database.ts"
import type { AuditEventTable } from "../../db/schema.ts"
import { uuidBytes } from "../../uuid.ts"
import { type AuditSigner, headOfRow, importAuditPublicKey, isSignedHead } from "../audit-head.ts"
import { prunedRangeOf, pruneRowOf } from "../audit-prune.ts"
import { newestPrune } from "../audit-reader.ts"
import { isRedacted } from "../audit-redaction.ts"
import { CompactRange } from "../merkle.ts"
import { isIntact } from "./intact-row.ts"
import type { RetentionRules } from "./rules.ts"
import { findHold, streamGraceMs } from "./stream-hold.ts"

export type PruneInput = {
  readonly logId: string
  readonly rules: RetentionRules
  readonly signer: AuditSigner
  readonly now: number
  /** How many events one slice may look at. */
  readonly sliceSize: number
}

export type PruneOutcome =
  | {
      readonly kind: "removed"
      readonly count: number
      readonly upTo: number
      /** Of the last event that was removed and had not been taken out before. */
      readonly orgId: string | undefined
    }
  /** The slice ends inside one large batch; a larger one holds its head. */
  | { readonly kind: "no-head" }
  /** Nothing is due, or what is due becomes removable with the next run. */
  | { readonly kind: "done" }
  | { readonly kind: "changed"; readonly problem: string }

/**
 * Removes the oldest events of a log, as far as their time is over, and leaves their compact range, signed, in their
 * place. It cuts only at a signed head whose root the events add up to, so that nothing that was changed is removed
 * unseen. To be run in one transaction, again and again until it is done.
 */
export async function pruneSlice(db: Writer, input: PruneInput): Promise<PruneOutcome> {
  const start = await startOf(db, input)
  if (start === undefined) return changed("the record of what retention removed")
  const rows = await expiredRows(db, input, start.size)
  if (rows === undefined) return changed("an event")
  const cut = await newestHeadUpTo(db, input.logId, { after: start.size, upTo: start.size + rows.length })
  if (cut === undefined) return { kind: rows.length === input.sliceSize ? "no-head" : "done" }
  const removed = rows.slice(0, cut.size - start.size)
  const range = start.clone()
  for (const row of removed) range.append(row.leaf_hash)
  const publicKey = importAuditPublicKey(input.signer.auditPublicKeyBytes)
  const isSigned = isSignedHead(publicKey, uuidBytes(input.logId), cut)
  if (!isSigned || Buffer.compare(range.root(), cut.rootHash) !== 0) return changed("a head")
  if (!(await areHeadsChained(db, input.logId, { after: start.size, upTo: cut.size })))
    return changed("a head")
  if (!(await isBehindSnapshot(db, input.logId, range))) return { kind: "done" }
  await replaceByRange(db, input, range)
  const last = removed.findLast((row) => !isRedacted(row))
  return { kind: "removed", count: removed.length, upTo: cut.size, orgId: last?.org_id }
}

function changed(what: string): PruneOutcome {
  return { kind: "changed", problem: `${what} is not what was signed` }
}

async function startOf(db: Writer, { logId, signer }: PruneInput): Promise<CompactRange | undefined> {
  const prune = await newestPrune(db, logId)
  if (prune === undefined) return CompactRange.empty()
  return prunedRangeOf(prune, importAuditPublicKey(signer.auditPublicKeyBytes))
}

/** The oldest events without a gap, as long as their time is over; `undefined` when one of them was changed. */
async function expiredRows(
  db: Writer,
  { logId, rules, now, sliceSize }: PruneInput,
  from: number,
): Promise<readonly AuditEventTable[] | undefined> {
  const rows = await db
    .selectFrom("audit_event")
    .selectAll()
    .where("log_id", "=", logId)
    .where("seq", ">=", from)
    .orderBy("seq")
    .limit(sliceSize)
    .execute()
  const hold = await findHold(db, logId)
  const expired: AuditEventTable[] = []
  for (const row of rows) {
    if (!isRedacted(row) && !rules.isExpired(row, row.seq < hold ? now : now - streamGraceMs)) break
    if (row.seq !== from + expired.length || !isIntact(row)) return undefined
    expired.push(row)
  }
  return expired
}

async function newestHeadUpTo(db: Writer, logId: string, bounds: { after: number; upTo: number }) {
  const row = await db
    .selectFrom("audit_head")
    .selectAll()
    .where("log_id", "=", logId)
    .where("size", ">", bounds.after)
    .where("size", "<=", bounds.upTo)
    .orderBy("size", "desc")
    .limit(1)
    .executeTakeFirst()
  return row && headOfRow(row)
}

/**
 * Whether no head is missing among those that are about to go: verification names the one that is. Only the newest one's
 * signature is looked at, because it alone stands for the events.
 */
async function areHeadsChained(
  db: Writer,
  logId: string,
  bounds: { after: number; upTo: number },
): Promise<boolean> {
  const heads = await db
    .selectFrom("audit_head")
    .select(["size", "previous_size as previousSize"])
    .where("log_id", "=", logId)
    .where("size", ">", bounds.after)
    .where("size", "<=", bounds.upTo)
    .orderBy("size")
    .execute()
  return heads.every(
    ({ previousSize }, index) =>
      previousSize === null || previousSize === (heads[index - 1]?.size ?? bounds.after),
  )
}

/**
 * Opening a log reads its leaves from its snapshot on, so they must be there. A snapshot that lies further back, as that
 * of a log nobody writes, is moved; the events go in a later run, when nobody can be reading from the old one any more.
 */
async function isBehindSnapshot(db: Writer, logId: string, range: CompactRange): Promise<boolean> {
  const moved = await db
    .updateTable("audit_log")
    .set({ snapshot_size: range.size, snapshot_range: range.toBytes() })
    .where("id", "=", logId)
    .where("snapshot_size", "<", range.size)
    .executeTakeFirst()
  return moved.numUpdatedRows === 0n
}

async function replaceByRange(db: Writer, { logId, signer, now }: PruneInput, range: CompactRange) {
  await db
    .insertInto("audit_prune")
    .values(pruneRowOf(logId, range, now, signer))
    .execute()
  await db.deleteFrom("audit_event").where("log_id", "=", logId).where("seq", "<", range.size).execute()
  await db.deleteFrom("audit_head").where("log_id", "=", logId).where("size", "<", range.size).execute()
  await db.deleteFrom("audit_prune").where("log_id", "=", logId).where("size", "<", range.size).execute()
  await db
    .deleteFrom("audit_redaction")
    .where("log_id", "=", logId)
    .where("to_seq", "<", range.size)
    .execute()
}
