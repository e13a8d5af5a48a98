import type { OpenDatabase } from "./db/database.ts"
import { type DatabaseConfig, type DatabaseDeps, openDatabase } from "./db/open-database.ts"
import type { Keyring } from "./keyring/keyring.ts"
import { type KeyringConfig, openKeyring } from "./keyring/open-keyring.ts"

export type Storage = { readonly database: OpenDatabase; readonly keyring: Keyring }

/**
 * Opens what everything else stands on, in the only order there is: the database, the keyring that is kept in it, and
 * the audit log that the keyring signs. The caller closes the database.
 *
 * @throws AppError when the database can't be used or the root key is not the right one
 */
export async function openStorage(
  config: DatabaseConfig & KeyringConfig,
  deps: DatabaseDeps,
): Promise<Storage> {
  const database = await openDatabase(config, deps)
  try {
    const keyring = await openKeyring(database, config, deps)
    await database.startAudit(keyring)
    return { database, keyring }
  } catch (error) {
    await database.close()
    throw error
  }
}
