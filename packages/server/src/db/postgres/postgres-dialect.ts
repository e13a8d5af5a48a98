/**
 * Kysely over pg. Readers take a connection for each query; the connection of a write belongs to
 * `postgres-database.ts`, which begins and ends its transaction.
 */
import {
  type CompiledQuery,
  type ConnectionProvider,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  Transaction,
} from "kysely"
import type { Pool, PoolClient } from "pg"
import { assertBindable } from "../bindable.ts"
import type { Reader, Writer } from "../database.ts"
import { noGuard, type StatementGuard } from "../open-write-scope.ts"
import type { Schema } from "../schema.ts"
import { translatePostgresError } from "./postgres-error.ts"
import { connect } from "./postgres-pool.ts"

/** The caller of `migrate` holds a row lock already: advisory locks are not everywhere. */
class RowLockedPostgresAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

const adapter = new RowLockedPostgresAdapter()
const compiler = new PostgresQueryCompiler()

/** Queries outside a write. */
export function createPostgresReader(pool: Pool): Reader {
  return new Kysely<Schema>({ dialect: dialectOf(new PoolDriver(pool)) })
}

/** Queries inside a write. */
export function createPostgresWriter(client: PoolClient, guard: StatementGuard): Writer {
  return createWriter(new ClientConnection(client), guard)
}

/** Queries of the migrations, which look at the catalogue with parameters that only PostgreSQL takes. */
export function createMigrationWriter(client: PoolClient): Writer {
  return createWriter(new ClientConnection(client, () => undefined), noGuard)
}

function createWriter(connection: ClientConnection, guard: StatementGuard): Writer {
  const provider: ConnectionProvider = {
    provideConnection: async (consumer) => {
      guard.assertUsable()
      try {
        return await consumer(connection)
      } catch (error) {
        guard.statementFailed(error)
        throw error
      }
    },
  }
  const driver = new TransactionDriver(connection)
  const dialect = dialectOf(driver)
  const executor = new DefaultQueryExecutor(compiler, adapter, provider)
  return new Transaction<Schema>({ config: { dialect }, dialect, driver, executor })
}

function dialectOf(driver: Driver): Dialect {
  return {
    createAdapter: () => adapter,
    createDriver: () => driver,
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => compiler,
  }
}

class ClientConnection implements DatabaseConnection {
  readonly client: PoolClient
  readonly #check: (parameters: readonly unknown[]) => void

  constructor(client: PoolClient, check: (parameters: readonly unknown[]) => void = assertBindable) {
    this.client = client
    this.#check = check
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.#check(query.parameters)
    try {
      const { rows, rowCount } = await this.client.query(query.sql, [...query.parameters])
      // Rows have the shape that the query builder computed from the schema.
      return { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) }
    } catch (error) {
      throw translatePostgresError(error)
    }
  }

  // biome-ignore lint/correctness/useYield: a stream holds a connection for as long as its reader likes
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("queries are not streamed: read in pages")
  }
}

abstract class DriverWithoutTransactions implements Driver {
  abstract acquireConnection(): Promise<DatabaseConnection>

  async init(): Promise<void> {}

  async beginTransaction(): Promise<void> {
    throw new Error("a reader has no transactions: use Database.write")
  }

  async commitTransaction(): Promise<void> {}

  async rollbackTransaction(): Promise<void> {}

  async releaseConnection(_connection: DatabaseConnection): Promise<void> {}

  async destroy(): Promise<void> {}
}

class TransactionDriver extends DriverWithoutTransactions {
  readonly #connection: DatabaseConnection

  constructor(connection: DatabaseConnection) {
    super()
    this.#connection = connection
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }
}

class PoolDriver extends DriverWithoutTransactions {
  readonly #pool: Pool

  constructor(pool: Pool) {
    super()
    this.#pool = pool
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return new ClientConnection(await connect(this.#pool))
  }

  override async releaseConnection(connection: DatabaseConnection): Promise<void> {
    if (connection instanceof ClientConnection) connection.client.release()
  }
}
