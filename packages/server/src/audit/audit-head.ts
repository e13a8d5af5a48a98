/**
 * A head says how large a log is, what its root hash is, and over how many events the head before it is: heads form a
 * chain, so that none can be removed from between two others. The signature (Ed25519) covers, big-endian,
 *
 * ```
 * "coffer/audit-head/2" || log id, 16 bytes || size, u64 || previous size, u64 || root hash, 32 bytes || time in ms, u64
 * "coffer/audit-head/1" || log id, 16 bytes || size, u64 || root hash, 32 bytes || time in ms, u64
 * ```
 *
 * The second form is the one of databases that are older than the chain. Nothing writes it any more, and in one log it
 * never follows the first.
 */
import { createPublicKey, type KeyObject, sign, verify } from "node:crypto"
import { inspect } from "node:util"
import type { AuditHeadTable } from "../db/schema.ts"
import { HASH_SIZE } from "./merkle.ts"

export type AuditHead = {
  readonly size: number
  /** The size of the head before this one, 0 for the first of a log; absent in a head of the older form. */
  readonly previousSize: number | undefined
  readonly rootHash: Uint8Array
  readonly at: number
  readonly signature: Uint8Array
}

/** Signs heads and checkpoints; the keyring is one. */
export interface AuditSigner {
  signAuditHead(bytes: Uint8Array): Uint8Array
  /** SubjectPublicKeyInfo, DER. */
  readonly auditPublicKeyBytes: Uint8Array
}

/** Signs with a handle of an Ed25519 key. */
export class AuditKeySigner implements AuditSigner {
  readonly auditPublicKeyBytes: Uint8Array
  readonly #signingKey: KeyObject

  constructor(signingKey: KeyObject) {
    this.#signingKey = signingKey
    this.auditPublicKeyBytes = createPublicKey(signingKey).export({ format: "der", type: "spki" })
  }

  signAuditHead(bytes: Uint8Array): Uint8Array {
    return sign(null, bytes, this.#signingKey)
  }

  [inspect.custom](): string {
    return "[audit signer]"
  }
}

const LABEL = Buffer.from("coffer/audit-head/2")
const LABEL_WITHOUT_PREVIOUS = Buffer.from("coffer/audit-head/1")

/** The bytes that a head's signature covers. */
export function headBytes(logIdBytes: Uint8Array, head: Omit<AuditHead, "signature">): Uint8Array {
  const { size, previousSize, rootHash, at } = head
  return Buffer.concat([
    previousSize === undefined ? LABEL_WITHOUT_PREVIOUS : LABEL,
    logIdBytes,
    uint64(size),
    previousSize === undefined ? Buffer.of() : uint64(previousSize),
    rootHash,
    uint64(at),
  ])
}

export function headOfRow(row: Omit<AuditHeadTable, "log_id">): AuditHead {
  const { size, previous_size: previousSize, root_hash: rootHash, at, signature } = row
  return { size, previousSize: previousSize ?? undefined, rootHash, at, signature }
}

/** @throws when the bytes are not a public key in DER */
export function importAuditPublicKey(publicKeyBytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(publicKeyBytes), format: "der", type: "spki" })
}

export function isSignedBy(publicKey: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, bytes, publicKey, signature)
}

/** Whether a head is one that this key signed for this log, whatever a row of the database holds. */
export function isSignedHead(publicKey: KeyObject, logIdBytes: Uint8Array, head: AuditHead): boolean {
  const { size, previousSize, rootHash, at } = head
  const isLinked = previousSize === undefined || (isUint(previousSize) && previousSize < size)
  const isWellFormed = rootHash.length === HASH_SIZE && isUint(size) && isUint(at) && isLinked
  return isWellFormed && isSignedBy(publicKey, headBytes(logIdBytes, head), head.signature)
}

/** Whether a number can have been signed as u64. */
export function isUint(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function uint64(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), 0)
  bytes.writeUInt32BE(value % 2 ** 32, 4)
  return bytes
}
