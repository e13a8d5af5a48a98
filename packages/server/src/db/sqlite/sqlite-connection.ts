import { DatabaseSync, type StatementSync } from "node:sqlite"
import { assertBindable, type Bindable } from "../bindable.ts"
import type { FixedText } from "../fixed-statement.ts"
import { translateSqliteError } from "./sqlite-error.ts"

const MAX_CACHED_STATEMENTS = 500

export type SqliteResult = { readonly rows: Record<string, unknown>[]; readonly changes: number }

type CachedStatement = { readonly statement: StatementSync; readonly returnsRows: boolean }

/** One connection to the database file, with its prepared statements. Calls are synchronous and never interleave. */
export class SqliteConnection {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, CachedStatement>()
  /** As many as are written in the code. */
  readonly #fixed = new Map<FixedText, CachedStatement>()

  /** @throws AppError "unavailable" when the file can't be opened or is no database */
  constructor(path: string, mode: "read-write" | "read-only") {
    try {
      this.#database = new DatabaseSync(path, {
        readOnly: mode === "read-only",
        enableForeignKeyConstraints: true,
        enableDoubleQuotedStringLiterals: false,
        allowExtension: false,
        timeout: 1000,
      })
      // What a savepoint would put back, and the rows of a sort, go to memory and not to temporary files.
      this.#database.exec(
        "pragma trusted_schema = off; pragma cache_size = -8000; pragma temp_store = memory",
      )
    } catch (error) {
      throw translateSqliteError(error)
    }
  }

  /** Runs one statement or several without parameters. */
  exec(sql: string): void {
    try {
      this.#database.exec(sql)
    } catch (error) {
      throw translateSqliteError(error)
    }
  }

  /** Runs one statement without parameters and without rows; its plan is kept for the next time. */
  command(sql: string): void {
    try {
      this.#prepare(sql).statement.run()
    } catch (error) {
      throw translateSqliteError(error)
    }
  }

  /** Runs one statement; its plan is kept for the next time. */
  query(sql: string, parameters: readonly unknown[]): SqliteResult {
    assertBindable(parameters)
    try {
      return execute(this.#prepare(sql), parameters)
    } catch (error) {
      throw translateSqliteError(error)
    }
  }

  /** Runs one statement of fixed text; its plan is kept as long as the connection. */
  queryFixed(text: FixedText, parameters: readonly unknown[]): Record<string, unknown>[] {
    assertBindable(parameters)
    try {
      let cached = this.#fixed.get(text)
      if (cached === undefined) {
        cached = this.#compile(text.sql)
        this.#fixed.set(text, cached)
      }
      return execute(cached, parameters).rows
    } catch (error) {
      throw translateSqliteError(error)
    }
  }

  /** A statement for a hot path, which binds its values itself: integers, text, bytes and null only. */
  statement(sql: string): StatementSync {
    try {
      return this.#database.prepare(sql)
    } catch (error) {
      throw translateSqliteError(error)
    }
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction
  }

  close(): void {
    this.#statements.clear()
    this.#fixed.clear()
    if (this.#database.isOpen) this.#database.close()
  }

  #prepare(sql: string): CachedStatement {
    const cached = this.#statements.get(sql)
    if (cached !== undefined) {
      // The oldest entry goes first: a statement that is used moves to the end.
      this.#statements.delete(sql)
      this.#statements.set(sql, cached)
      return cached
    }
    const prepared = this.#compile(sql)
    this.#statements.set(sql, prepared)
    if (this.#statements.size > MAX_CACHED_STATEMENTS) {
      const [oldest] = this.#statements.keys()
      if (oldest !== undefined) this.#statements.delete(oldest)
    }
    return prepared
  }

  #compile(sql: string): CachedStatement {
    const statement = this.#database.prepare(sql)
    return { statement, returnsRows: statement.columns().length > 0 }
  }
}

function execute({ statement, returnsRows }: CachedStatement, parameters: readonly Bindable[]): SqliteResult {
  const values = parameters.map(toSqliteValue)
  if (!returnsRows) return { rows: [], changes: Number(statement.run(...values).changes) }
  const rows = statement.all(...values)
  return { rows, changes: rows.length }
}

/** Integers go in as integers: as a double, 1 would become '1.0' in a text column. */
function toSqliteValue(value: Bindable): Bindable {
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value
}
