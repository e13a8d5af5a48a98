import type { Reader, Writer } from "../db/database.ts"
import type { AuditLogTable } from "../db/schema.ts"
import { uuidBytes } from "../uuid.ts"
import { type AuditSigner, headOfRow, importAuditPublicKey, isSignedHead } from "./audit-head.ts"
import { AuditLog } from "./audit-log.ts"
import { CompactRange } from "./merkle.ts"

const LEAF_PAGE = 1000

/** Who holds a log, and until when nobody else may take it over. */
export type AuditLease = { readonly writer: string; readonly writerUntil: number }

/**
 * Opens the writing end of a log from its newest snapshot and the leaves after it.
 *
 * @returns `undefined` when the rows don't lead to the newest signed head: appending would sign what was tampered with
 */
export async function loadAuditLog(
  db: Reader,
  logId: string,
  signer: AuditSigner,
): Promise<AuditLog | undefined> {
  const row = await db.selectFrom("audit_log").selectAll().where("id", "=", logId).executeTakeFirst()
  const range = row && snapshotOf(row)
  if (range === undefined) return undefined
  for (;;) {
    const leaves = await db
      .selectFrom("audit_event")
      .select(["seq", "leaf_hash"])
      .where("log_id", "=", logId)
      .where("seq", ">=", range.size)
      .orderBy("seq")
      .limit(LEAF_PAGE)
      .execute()
    for (const leaf of leaves) {
      if (leaf.seq !== range.size) return undefined
      range.append(leaf.leaf_hash)
    }
    if (leaves.length < LEAF_PAGE) break
  }
  return (await endsAtNewestHead(db, logId, range, signer)) ? new AuditLog(logId, range, signer) : undefined
}

async function endsAtNewestHead(db: Reader, logId: string, range: CompactRange, signer: AuditSigner) {
  const row = await db
    .selectFrom("audit_head")
    .selectAll()
    .where("log_id", "=", logId)
    .orderBy("size", "desc")
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return range.size === 0
  if (row.size !== range.size || Buffer.compare(row.root_hash, range.root()) !== 0) return false
  const publicKey = importAuditPublicKey(signer.auditPublicKeyBytes)
  return isSignedHead(publicKey, uuidBytes(logId), headOfRow(row))
}

function snapshotOf(row: AuditLogTable): CompactRange | undefined {
  try {
    return CompactRange.fromBytes(row.snapshot_size, row.snapshot_range)
  } catch {
    // A range that does not fit its size was tampered with: the caller leaves this log alone.
    return undefined
  }
}

/** Creates an empty log. */
export async function insertAuditLog(
  db: Writer,
  input: { id: string; signer: AuditSigner; lease: AuditLease | undefined; now: number },
): Promise<AuditLog> {
  await db
    .insertInto("audit_log")
    .values({
      id: input.id,
      public_key: input.signer.auditPublicKeyBytes,
      writer: input.lease?.writer ?? null,
      writer_until: input.lease?.writerUntil ?? null,
      snapshot_size: 0,
      snapshot_range: new Uint8Array(),
      created_at: input.now,
    })
    .execute()
  return new AuditLog(input.id, CompactRange.empty(), input.signer)
}

/** The newest log that this key signs. */
export async function findNewestAuditLog(db: Reader, signer: AuditSigner): Promise<string | undefined> {
  const row = await db
    .selectFrom("audit_log")
    .select("id")
    .where("public_key", "=", signer.auditPublicKeyBytes)
    .orderBy("created_at", "desc")
    .orderBy("id")
    .limit(1)
    .executeTakeFirst()
  return row?.id
}
