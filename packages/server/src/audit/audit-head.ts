/**
 * A head says how large a log is and what its root hash is. The signature (Ed25519) covers
 *
 * ```
 * "coffer/audit-head/1" || log id, 16 bytes || size, u64 || root hash, 32 bytes || time in ms, u64       (big-endian)
 * ```
 */
import { createPublicKey, type KeyObject, sign, verify } from "node:crypto"
import { inspect } from "node:util"
import { HASH_SIZE } from "./merkle.ts"

export type AuditHead = {
  readonly size: number
  readonly rootHash: Uint8Array
  readonly at: number
  readonly signature: Uint8Array
}

/** Signs heads and checkpoints; the keyring is one. */
export interface AuditSigner {
  signAuditHead(bytes: Uint8Array): Uint8Array
  /** SubjectPublicKeyInfo, DER. */
  readonly auditPublicKeyBytes: Uint8Array
  /** For an {@link AuditKeySigner} in another thread of this process. */
  readonly auditSigningKey: KeyObject
}

/** Signs with a handle of an Ed25519 key. Handles pass between threads; what they stand for stays in the keyring. */
export class AuditKeySigner implements AuditSigner {
  readonly auditPublicKeyBytes: Uint8Array
  readonly auditSigningKey: KeyObject

  constructor(signingKey: KeyObject) {
    this.auditSigningKey = signingKey
    this.auditPublicKeyBytes = createPublicKey(signingKey).export({ format: "der", type: "spki" })
  }

  signAuditHead(bytes: Uint8Array): Uint8Array {
    return sign(null, bytes, this.auditSigningKey)
  }

  [inspect.custom](): string {
    return "[audit signer]"
  }
}

const LABEL = Buffer.from("coffer/audit-head/1")

/** The bytes that a head's signature covers. */
export function headBytes(logIdBytes: Uint8Array, head: Omit<AuditHead, "signature">): Uint8Array {
  const bytes = Buffer.allocUnsafe(LABEL.length + 16 + 8 + HASH_SIZE + 8)
  bytes.set(LABEL, 0)
  bytes.set(logIdBytes, LABEL.length)
  writeUint64(bytes, head.size, LABEL.length + 16)
  bytes.set(head.rootHash, LABEL.length + 24)
  writeUint64(bytes, head.at, LABEL.length + 24 + HASH_SIZE)
  return bytes
}

/** @throws when the bytes are not a public key in DER */
export function importAuditPublicKey(publicKeyBytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(publicKeyBytes), format: "der", type: "spki" })
}

export function isSignedBy(publicKey: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === 64 && verify(null, bytes, publicKey, signature)
}

/** Whether a head is one that this key signed for this log, whatever a row of the database holds. */
export function isSignedHead(publicKey: KeyObject, logIdBytes: Uint8Array, head: AuditHead): boolean {
  const isWellFormed = head.rootHash.length === HASH_SIZE && isUint(head.size) && isUint(head.at)
  return isWellFormed && isSignedBy(publicKey, headBytes(logIdBytes, head), head.signature)
}

/** Whether a number can have been signed as u64. */
export function isUint(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function writeUint64(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), offset)
  bytes.writeUInt32BE(value % 2 ** 32, offset + 4)
}
