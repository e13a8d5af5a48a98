/**
 * Kysely over a {@link SqliteConnection}. There is no pool and no lock: calls are synchronous, so they never interleave,
 * and transactions belong to `group-commit.ts` alone.
 */
import {
  type CompiledQuery,
  type ConnectionProvider,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  Transaction,
} from "kysely"
import type { Reader, Writer } from "../database.ts"
import type { DirectDatabase, FixedText } from "../fixed-statement.ts"
import type { StatementGuard } from "../open-write-scope.ts"
import type { Schema } from "../schema.ts"
import type { SqliteConnection } from "./sqlite-connection.ts"

class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

const adapter = new TransactionalSqliteAdapter()
const compiler = new SqliteQueryCompiler()

/** Queries outside a write, for a read-only connection. */
export function createSqliteReader(connection: SqliteConnection): Reader {
  return new SqliteReader(connection)
}

class SqliteReader extends Kysely<Schema> implements DirectDatabase {
  readonly #connection: SqliteConnection

  constructor(connection: SqliteConnection) {
    super({ dialect: dialectOf(new KyselyConnection(connection)) })
    this.#connection = connection
  }

  runDirect(text: FixedText, parameters: readonly unknown[]): Record<string, unknown>[] {
    return this.#connection.queryFixed(text, parameters)
  }
}

/** Makes the `Writer` of every write on a connection. */
export function sqliteWriters(connection: SqliteConnection): (guard: StatementGuard) => Writer {
  const kyselyConnection = new KyselyConnection(connection)
  const dialect = dialectOf(kyselyConnection)
  const shared = { connection, kyselyConnection, dialect, driver: dialect.createDriver() }
  return (guard) => new SqliteWriter(shared, guard)
}

type SharedByWriters = {
  readonly connection: SqliteConnection
  readonly kyselyConnection: KyselyConnection
  readonly dialect: Dialect
  readonly driver: Driver
}

class SqliteWriter extends Transaction<Schema> implements DirectDatabase {
  readonly #connection: SqliteConnection
  readonly #guard: StatementGuard

  constructor({ connection, kyselyConnection, dialect, driver }: SharedByWriters, guard: StatementGuard) {
    const provider: ConnectionProvider = {
      provideConnection: async (consumer) => {
        guard.assertUsable()
        try {
          return await consumer(kyselyConnection)
        } catch (error) {
          guard.statementFailed(error)
          throw error
        }
      },
    }
    const executor = new DefaultQueryExecutor(compiler, adapter, provider)
    super({ config: { dialect }, dialect, driver, executor })
    this.#connection = connection
    this.#guard = guard
  }

  runDirect(text: FixedText, parameters: readonly unknown[]): Record<string, unknown>[] {
    this.#guard.assertUsable()
    try {
      return this.#connection.queryFixed(text, parameters)
    } catch (error) {
      this.#guard.statementFailed(error)
      throw error
    }
  }
}

function dialectOf(connection: DatabaseConnection): Dialect {
  const driver = new SingleConnectionDriver(connection)
  return {
    createAdapter: () => adapter,
    createDriver: () => driver,
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => compiler,
  }
}

class KyselyConnection implements DatabaseConnection {
  readonly #connection: SqliteConnection

  constructor(connection: SqliteConnection) {
    this.#connection = connection
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes } = this.#connection.query(query.sql, query.parameters)
    // Rows have the shape that the query builder computed from the schema.
    return { rows: rows as R[], numAffectedRows: BigInt(changes) }
  }

  // biome-ignore lint/correctness/useYield: streaming would hold a snapshot open and stop the log from being reused
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("queries are not streamed: read in pages")
  }
}

class SingleConnectionDriver implements Driver {
  readonly #connection: DatabaseConnection

  constructor(connection: DatabaseConnection) {
    this.#connection = connection
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }

  async beginTransaction(): Promise<void> {
    throw new Error("a reader has no transactions: use Database.write")
  }

  async commitTransaction(): Promise<void> {}

  async rollbackTransaction(): Promise<void> {}

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}
