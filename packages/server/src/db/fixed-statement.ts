import { type Compilable, CompiledQuery, type DialectAdapter } from "kysely"
import type { Reader } from "./database.ts"

/** The text of a statement, and where each of its parameters comes from. */
export type FixedText = {
  readonly sql: string
  readonly sources: readonly (Placeholder | { readonly constant: unknown })[]
}

/** A database that answers at once, without a promise: SQLite. */
export type DirectDatabase = Reader & {
  runDirect(text: FixedText, parameters: readonly unknown[]): Record<string, unknown>[]
}

/** Stands for a value while the text is made. */
class Placeholder {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/**
 * A statement of a hot path whose text is always the same. The query builder makes the text once, when the statement
 * first runs; that takes longer than running it. On SQLite the rows come without a promise: `await` takes both.
 *
 * @param build gets placeholders in place of the values: it can only pass them on. Values have the same names each time.
 */
export function fixedStatement<Values extends object, Row>(
  build: (db: Reader, values: Values) => Compilable<Row>,
): (db: Reader, values: Values) => Row[] | Promise<Row[]> {
  const texts = new Map<DialectAdapter, FixedText>()
  return (db, values) => {
    const { adapter } = db.getExecutor()
    let text = texts.get(adapter)
    if (text === undefined) {
      text = textOf(build(db, placeholdersFor(values)))
      texts.set(adapter, text)
    }
    const parameters = text.sources.map((source) =>
      source instanceof Placeholder ? values[source.name as keyof Values] : source.constant,
    )
    // Rows have the shape that the query builder computed from the schema.
    if (isDirect(db)) return db.runDirect(text, parameters) as Row[]
    return db.executeQuery<Row>(CompiledQuery.raw(text.sql, parameters)).then(({ rows }) => rows)
  }
}

function isDirect(db: Reader): db is DirectDatabase {
  return "runDirect" in db
}

/** What the builder sees has the names of the values, and is of no type that it could look into. */
function placeholdersFor<Values extends object>(values: Values): Values {
  return Object.fromEntries(Object.keys(values).map((name) => [name, new Placeholder(name)])) as Values
}

function textOf(built: Compilable<unknown>): FixedText {
  const { sql, parameters } = built.compile()
  return {
    sql,
    sources: parameters.map((value) => (value instanceof Placeholder ? value : { constant: value })),
  }
}
