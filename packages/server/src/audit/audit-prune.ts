/**
 * Where retention cut a log: the first `size` events are gone, and their compact range stands for them. The signature
 * (Ed25519) covers
 *
 * ```
 * "coffer/audit-prune/1" || log id, 16 bytes || size, u64 || SHA-256 of the range || time in ms, u64     (big-endian)
 * ```
 */
import type { KeyObject } from "node:crypto"
import type { AuditPruneTable } from "../db/schema.ts"
import { uuidBytes } from "../uuid.ts"
import { type AuditSigner, isSignedBy } from "./audit-head.ts"
import { CompactRange, sha256 } from "./merkle.ts"

type UnsignedPrune = { readonly size: number; readonly rangeBytes: Uint8Array; readonly at: number }

/** The row that stands for the first leaves of a log. */
export function pruneRowOf(
  logId: string,
  range: CompactRange,
  now: number,
  signer: AuditSigner,
): AuditPruneTable {
  const rangeBytes = range.toBytes()
  return {
    log_id: logId,
    size: range.size,
    compact_range: textOf(rangeBytes),
    at: now,
    signature: signer.signAuditHead(signedBytes(logId, { size: range.size, rangeBytes, at: now })),
  }
}

/** The range of the pruned leaves; `undefined` when the row is malformed or not signed by this key. */
export function prunedRangeOf(row: AuditPruneTable, publicKey: KeyObject): CompactRange | undefined {
  try {
    const text: unknown = JSON.parse(row.compact_range)
    if (typeof text !== "string") return undefined
    const rangeBytes = Buffer.from(text, "base64")
    // Base64 has several spellings of the same bytes; the one that was written is the only one that counts.
    if (row.compact_range !== textOf(rangeBytes)) return undefined
    const bytes = signedBytes(row.log_id, { size: row.size, rangeBytes, at: row.at })
    return isSignedBy(publicKey, bytes, row.signature)
      ? CompactRange.fromBytes(row.size, rangeBytes)
      : undefined
  } catch {
    // Not JSON, not a range: not a row that this server wrote.
    return undefined
  }
}

function textOf(rangeBytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(rangeBytes).toString("base64"))
}

function signedBytes(logId: string, { size, rangeBytes, at }: UnsignedPrune): Uint8Array {
  const numbers = Buffer.alloc(16)
  numbers.writeBigUInt64BE(BigInt(size), 0)
  numbers.writeBigUInt64BE(BigInt(at), 8)
  return Buffer.concat([
    Buffer.from("coffer/audit-prune/1"),
    uuidBytes(logId),
    numbers.subarray(0, 8),
    sha256(rangeBytes),
    numbers.subarray(8),
  ])
}
