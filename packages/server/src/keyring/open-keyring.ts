import type { Clock } from "../clock.ts"
import type { Database } from "../db/database.ts"
import type { Log } from "../log.ts"
import type { Random } from "../random.ts"
import type { Secret } from "../secret.ts"
import type { Keyring } from "./keyring.ts"
import { hasKeyring, loadKeyringKeys, refuseWithoutRootKey } from "./keyring-keys.ts"
import { derive } from "./root-key.ts"
import { findRootKey, generateRootKey, type RootKeyConfig, warnWhileNotBackedUp } from "./root-key-source.ts"
import { StoredKeyring } from "./stored-keyring.ts"
import { TokenSigner } from "./token-signer.ts"

export type KeyringConfig = RootKeyConfig & {
  /** `AUTH_SECRET`: signs tokens instead of the keyring's own key. Changing it ends every token, and no data. */
  readonly authSecret?: Secret
}

export type KeyringDeps = { readonly clock: Clock; readonly random: Random; readonly log: Log }

/**
 * Opens the keyring of a database, and makes it at the first start. A root key is generated only for a database that
 * has no keyring yet: another one could open nothing.
 *
 * @throws AppError "invalid" when the root key is missing, malformed or not the one this database was made with
 */
export async function openKeyring(
  database: Database,
  config: KeyringConfig,
  deps: KeyringDeps,
): Promise<Keyring> {
  let found = findRootKey(config)
  if (found === undefined) {
    if (await hasKeyring(database.reader)) await refuseWithoutRootKey(database.reader)
    found = generateRootKey(config, deps)
  }
  const { rootKey } = found
  const keys = await loadKeyringKeys(database, rootKey, deps)
  warnWhileNotBackedUp(found, deps.log)
  const tokenKeyBytes =
    config.authSecret === undefined
      ? keys.active["token-signing"].keyBytes
      : derive(Buffer.from(config.authSecret.reveal(), "utf8"), "coffer/token-signing/auth-secret/1")
  return new StoredKeyring(database.reader, new TokenSigner(tokenKeyBytes), {
    keys,
    clock: deps.clock,
    random: deps.random,
  })
}
