/** The audit logs, their streams, and work that one replica does for all. Rows never leave a `store.ts`. */
import type { Flag, Json, Millis } from "./columns.ts"

/** One append-only Merkle log per writer process. */
export type AuditLogTable = {
  id: string
  /** Ed25519, SubjectPublicKeyInfo DER. */
  public_key: Uint8Array
  /** Who writes it now, and until when no other writer may take it over. */
  writer: string | null
  writer_until: Millis | null
  /** The compact range of the first `snapshot_size` leaves, as concatenated hashes: where loading the log may begin. */
  snapshot_size: number
  snapshot_range: Uint8Array
  created_at: Millis
}

export type AuditEventTable = {
  log_id: string
  seq: number
  id: string
  at: Millis
  type: string
  org_id: string
  project_id: string | null
  actor_type: string
  actor_id: string | null
  /** Canonical JSON, exactly the bytes that were hashed. */
  body: string
  leaf_hash: Uint8Array
}

/** What retention took out of the middle of a log: rows keep their leaf hash and lose everything else. */
export type AuditRedactionTable = {
  log_id: string
  /** The first and the last sequence number taken out. */
  from_seq: number
  to_seq: number
  /** JSON array of pairs: runs of sequence numbers, each [first, last]. */
  seqs: Json
  at: Millis
  signature: Uint8Array
}

/** A place that the audit log is published to. */
export type AuditStreamTable = {
  id: string
  org_id: string
  name: string
  kind: "syslog" | "http"
  settings: Json
  credential_sealed: Uint8Array | null
  enabled: Flag
  /** Grows with every change, so that whoever delivers notices. */
  revision: number
  created_at: Millis
  updated_at: Millis
}

/** Where a stream goes on in one log; saved only when its sink has everything before. */
export type AuditStreamCursorTable = {
  stream_id: string
  log_id: string
  next_seq: number
  delivered_at: Millis
}

export type AuditStreamHealthTable = {
  stream_id: string
  /** What went wrong the last time; null when the last delivery succeeded. */
  problem: string | null
  problem_at: Millis | null
  delivered_at: Millis | null
}

/** Work that one replica does for all. */
export type TaskLeaseTable = { name: string; holder: string; held_until: Millis }

/** One signed head per batch: the tree over the first `size` events. */
export type AuditHeadTable = {
  log_id: string
  size: number
  /** The size of the head before this one; null in a head of before there was a chain. */
  previous_size: number | null
  root_hash: Uint8Array
  at: Millis
  signature: Uint8Array
}

/** Where retention cut a log: the compact range of the first `size` leaves. */
export type AuditPruneTable = {
  log_id: string
  size: number
  compact_range: Json
  at: Millis
  signature: Uint8Array
}
