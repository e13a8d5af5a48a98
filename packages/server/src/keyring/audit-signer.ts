import { createPublicKey, type KeyObject, sign } from "node:crypto"
import { inspect } from "node:util"
import type { AuditSigner } from "../audit/audit-head.ts"
import type { Reader } from "../db/database.ts"
import { type KeyringKeys, readKeyringKeys, refuseWithoutRootKey, signingKeyOf } from "./keyring-keys.ts"
import { findRootKey, type RootKeyConfig } from "./root-key-source.ts"

/** Signs with the keyring's Ed25519 key. */
export class KeyringAuditSigner implements AuditSigner {
  readonly auditPublicKeyBytes: Uint8Array
  readonly #privateKey: KeyObject

  constructor(keys: KeyringKeys) {
    this.#privateKey = signingKeyOf(keys.active["audit-signing"].keyBytes)
    this.auditPublicKeyBytes = createPublicKey(this.#privateKey).export({ format: "der", type: "spki" })
  }

  signAuditHead(bytes: Uint8Array): Uint8Array {
    return sign(null, bytes, this.#privateKey)
  }

  [inspect.custom](): string {
    return "[audit signer]"
  }
}

/**
 * The signer of a database's audit logs, without the rest of its keyring.
 *
 * @throws AppError "invalid" when the root key is missing, malformed or not the one this database was made with
 */
export async function openAuditSigner(reader: Reader, config: RootKeyConfig): Promise<AuditSigner> {
  const found = findRootKey(config)
  if (found === undefined) return refuseWithoutRootKey(reader)
  return new KeyringAuditSigner(await readKeyringKeys(reader, found.rootKey))
}
