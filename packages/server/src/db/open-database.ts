import type { Clock } from "../clock.ts"
import type { Log } from "../log.ts"
import type { Random } from "../random.ts"
import type { Secret } from "../secret.ts"
import type { OpenDatabase, Reader } from "./database.ts"
import type { PostgresAddress } from "./postgres/postgres-pool.ts"
import { openSqliteDatabase } from "./sqlite/sqlite-database.ts"
import { openSqliteReader } from "./sqlite/sqlite-reader.ts"

export type DatabaseConfig = {
  /** Where the embedded database and the generated root key live. */
  readonly dataFolder: string
  /** `DB_CONNECTION_URI`: PostgreSQL instead of the embedded database. It holds a password. */
  readonly connectionUri?: Secret
  /** `DB_ROOT_CERT`, decoded: the authority that signs PostgreSQL's certificate. */
  readonly rootCertificatePem?: string
  /** How many connections this process may open to PostgreSQL; 18 unless told otherwise, at least 4. */
  readonly maxConnections?: number
}

export type DatabaseDeps = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/**
 * Opens the database that the configuration names and brings its schema up to date. Audit events can be recorded once
 * {@link OpenDatabase.startAudit} was called; the caller closes the database.
 *
 * @throws AppError "unavailable" when it can't be reached, is in use, or belongs to a newer version
 */
export async function openDatabase(config: DatabaseConfig, deps: DatabaseDeps): Promise<OpenDatabase> {
  const address = postgresAddressOf(config)
  if (address !== undefined) {
    // Loaded only when it is used: nobody pays for the other database.
    const { openPostgresDatabase } = await import("./postgres/postgres-database.ts")
    const { maxConnections } = config
    return openPostgresDatabase(
      { ...address, ...(maxConnections === undefined ? {} : { maxConnections }) },
      deps,
    )
  }
  return openSqliteDatabase({ dataFolder: config.dataFolder }, deps)
}

/** Queries on a database that a server may be using at the same time. */
export type DatabaseForReading = { readonly reader: Reader; close(): Promise<void> }

/**
 * Opens the database that the configuration names for reading alone: nothing is created, migrated or locked.
 *
 * @throws AppError "unavailable" when it can't be reached or does not exist
 */
export async function openDatabaseForReading(config: DatabaseConfig, log: Log): Promise<DatabaseForReading> {
  const address = postgresAddressOf(config)
  if (address === undefined) return openSqliteReader(config.dataFolder)
  const { openPostgresReader } = await import("./postgres/postgres-reader.ts")
  return openPostgresReader(address, log)
}

function postgresAddressOf({
  connectionUri,
  rootCertificatePem,
}: DatabaseConfig): PostgresAddress | undefined {
  if (connectionUri === undefined) return undefined
  return { connectionUri, ...(rootCertificatePem === undefined ? {} : { rootCertificatePem }) }
}
