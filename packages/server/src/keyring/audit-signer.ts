import { AuditKeySigner, type AuditSigner } from "../audit/audit-head.ts"
import type { Reader } from "../db/database.ts"
import { readKeyringKeys, refuseWithoutRootKey, signingKeyOf } from "./keyring-keys.ts"
import { findRootKey, type RootKeyConfig } from "./root-key-source.ts"

/**
 * The signer of a database's audit logs, without the rest of its keyring.
 *
 * @throws AppError "invalid" when the root key is missing, malformed or not the one this database was made with
 */
export async function openAuditSigner(reader: Reader, config: RootKeyConfig): Promise<AuditSigner> {
  const found = findRootKey(config)
  if (found === undefined) return refuseWithoutRootKey(reader)
  const keys = await readKeyringKeys(reader, found.rootKey)
  return new AuditKeySigner(signingKeyOf(keys.active["audit-signing"].keyBytes))
}
