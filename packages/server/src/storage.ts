import type { AuditSigner } from "./audit/index.ts"
import {
  type DatabaseConfig,
  type DatabaseDeps,
  type OpenDatabase,
  openDatabase,
  openDatabaseForReading,
  type Reader,
} from "./db/index.ts"
import {
  type Keyring,
  type KeyringConfig,
  openAuditSigner,
  openKeyring,
  type RootKeyConfig,
} from "./keyring/index.ts"
import type { Log } from "./log.ts"

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

/** What checking or publishing the audit logs needs: the rows, and the key that signs them. */
export type AuditTrail = {
  readonly reader: Reader
  readonly signer: AuditSigner
  close(): Promise<void>
}

/**
 * Opens the audit logs for reading, also while a server writes them. The caller closes them.
 *
 * @throws AppError when the database can't be reached or the root key is not the right one
 */
export async function openAuditTrail(config: DatabaseConfig & RootKeyConfig, log: Log): Promise<AuditTrail> {
  const database = await openDatabaseForReading(config, log)
  try {
    const signer = await openAuditSigner(database.reader, config)
    return { reader: database.reader, signer, close: () => database.close() }
  } catch (error) {
    await database.close()
    throw error
  }
}
