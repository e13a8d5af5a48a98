export type DatabaseKind = "sqlite" | "postgres"

/**
 * The words of the schema that the two databases spell differently. JSON is text, kept as it was written; times and
 * counters are integers; flags are the integers 0 and 1.
 */
export type ColumnTypes = {
  /** Sorts by code point in both databases, so that lists come in the same order. */
  readonly text: string
  readonly integer: string
  readonly bytes: string
  /** Ends a table definition: SQLite checks types only when told to. */
  readonly strict: string
}

export const columnTypes = {
  sqlite: { text: "text", integer: "integer", bytes: "blob", strict: "strict" },
  postgres: { text: 'text collate "C"', integer: "bigint", bytes: "bytea", strict: "" },
} satisfies Record<DatabaseKind, ColumnTypes>
