import type { Pool, PoolClient, PoolConfig, QueryConfig, QueryResult, QueryResultRow } from "pg"
import { AppError } from "../../errors.ts"
import type { Log } from "../../log.ts"
import type { Secret } from "../../secret.ts"
import { databaseUnavailable } from "../database-error.ts"
import { translatePostgresError } from "./postgres-error.ts"

const OLDEST_VERSION = 150_000
const INT8 = 20
const NUMERIC = 1700

export type PostgresAddress = {
  readonly connectionUri: Secret
  /** `DB_ROOT_CERT`: the authority that signs the server's certificate. */
  readonly rootCertificatePem?: string
}

/** Opens pools on one server; a reader's can't write. The driver is loaded here, so that nobody else pays for it. */
export type PoolFactory = (use: "reader" | "writer" | "audit" | "signals", max: number) => Pool

/**
 * Looks at the server once, and says how its pools are opened.
 *
 * @throws AppError "unavailable" when it can't be reached, or is older than PostgreSQL 15
 */
export async function createPoolFactory(address: PostgresAddress, log: Log): Promise<PoolFactory> {
  const { default: pg } = await import("pg")
  const types = {
    getTypeParser: (oid: number, format?: "text" | "binary") =>
      oid === INT8 || oid === NUMERIC ? toNumber : pg.types.getTypeParser(oid, format ?? "text"),
  }
  const settings = { ...connectionSettings(address), types }
  const options = await probe(new pg.Client(settings))
  return (use, max) => {
    const readOnly = use === "reader" ? " -c default_transaction_read_only=on" : ""
    const pool = new pg.Pool({
      ...settings,
      options: `${options}${readOnly}`,
      max,
      application_name: `coffer ${use}`,
    })
    // A connection that breaks between two statements has nobody else to tell; the next statement fails, or gets another.
    const report = (error: Error) => {
      log.warn({ err: translatePostgresError(error) }, "A connection to the database was lost")
    }
    pool.on("error", report)
    pool.on("connect", (client) => client.on("error", report))
    return pool
  }
}

/**
 * Runs one statement, or several without parameters.
 *
 * @throws DatabaseError when the statement was refused, AppError "unavailable" when the database can't be used
 */
export async function run<Row extends QueryResultRow>(
  client: PoolClient,
  statement: string | QueryConfig,
): Promise<QueryResult<Row>> {
  try {
    return await client.query<Row>(statement)
  } catch (error) {
    throw translatePostgresError(error)
  }
}

/** A connection of the pool. @throws AppError "unavailable" */
export async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw translatePostgresError(error)
  }
}

function connectionSettings(address: PostgresAddress): PoolConfig {
  const { connectionString, ssl } = connectionStringOf(address)
  return {
    connectionString,
    ...(ssl === undefined ? {} : { ssl }),
    connectionTimeoutMillis: 5_000,
    statement_timeout: 15_000,
    query_timeout: 20_000,
    lock_timeout: 5_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
  }
}

/** What a URI can say about TLS. The driver lets any of it replace the certificate, `ssl=no-verify` and `ssl=0` too. */
const tlsParameters = ["ssl", "sslmode", "sslrootcert", "uselibpqcompat"]

/** With a certificate of our own, nothing in the URI may override it. */
function connectionStringOf({ connectionUri, rootCertificatePem }: PostgresAddress) {
  if (rootCertificatePem === undefined) return { connectionString: connectionUri.reveal() }
  const url = parseUri(connectionUri)
  if (url.searchParams.has("sslcert") || url.searchParams.has("sslkey")) {
    throw new AppError(
      "invalid",
      "DatabaseUriInvalid",
      "DB_CONNECTION_URI has sslcert or sslkey, which DB_ROOT_CERT would not be combined with: unset DB_ROOT_CERT and name its file as sslrootcert in the URI, with sslmode=verify-full",
    )
  }
  for (const name of tlsParameters) url.searchParams.delete(name)
  return { connectionString: url.href, ssl: { ca: rootCertificatePem } }
}

function parseUri(connectionUri: Secret): URL {
  try {
    return new URL(connectionUri.reveal())
  } catch {
    // The error would quote the URI, which holds a password.
    throw new AppError(
      "invalid",
      "DatabaseUriInvalid",
      "DB_CONNECTION_URI is not a URI: postgres://user:password@host/name",
    )
  }
}

/** Options for every session: a commit that was answered has to be durable, whatever the server's default. */
async function probe(client: import("pg").Client): Promise<string> {
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string; commit: string }>(
      "select current_setting('server_version_num') as version, current_setting('synchronous_commit') as commit",
    )
    if (Number(rows[0]?.version) < OLDEST_VERSION) {
      throw databaseUnavailable("The database is older than PostgreSQL 15, the oldest that Coffer works with")
    }
    return rows[0]?.commit === "off" ? "-c synchronous_commit=on" : ""
  } catch (error) {
    throw translatePostgresError(error)
  } finally {
    // What fails while closing has been answered already, or does not matter.
    await client.end().catch(() => undefined)
  }
}

function toNumber(text: string): number {
  const value = Number(text)
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new RangeError("a number in the database is too large")
  return value
}
