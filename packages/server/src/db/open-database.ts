import type { Clock } from "../clock.ts"
import type { Log } from "../log.ts"
import type { Random } from "../random.ts"
import type { Secret } from "../secret.ts"
import type { OpenDatabase } from "./database.ts"
import { openSqliteDatabase } from "./sqlite/sqlite-database.ts"

export type DatabaseConfig = {
  /** Where the embedded database and the generated root key live. */
  readonly dataFolder: string
  /** `DB_CONNECTION_URI`: PostgreSQL instead of the embedded database. It holds a password. */
  readonly connectionUri?: Secret
  /** `DB_ROOT_CERT`, decoded: the authority that signs PostgreSQL's certificate. */
  readonly rootCertificatePem?: string
  /** How many connections this process may open to PostgreSQL; 17 unless told otherwise, at least 3. */
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
  if (config.connectionUri !== undefined) {
    // Loaded only when it is used: nobody pays for the other database.
    const { openPostgresDatabase } = await import("./postgres/postgres-database.ts")
    const { connectionUri, rootCertificatePem, maxConnections } = config
    return openPostgresDatabase(
      {
        connectionUri,
        ...(rootCertificatePem === undefined ? {} : { rootCertificatePem }),
        ...(maxConnections === undefined ? {} : { maxConnections }),
      },
      deps,
    )
  }
  return openSqliteDatabase({ dataFolder: config.dataFolder }, deps)
}
