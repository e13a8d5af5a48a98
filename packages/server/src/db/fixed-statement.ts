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

type Build<Values, Row> = (db: Reader, values: Values) => Compilable<Row>

/**
 * A statement of a hot path whose text is always the same. The query builder makes the text once, when the statement
 * first runs; that takes longer than running it. On SQLite the rows come without a promise: `await` takes both.
 *
 * @param build gets placeholders in place of the values: it can only pass them on. Values have the same names each time.
 */
export function fixedStatement<Values extends object, Row>(
  build: Build<Values, Row>,
): (db: Reader, values: Values) => Row[] | Promise<Row[]> {
  const textFor = fixedTexts(build)
  return (db, values) => {
    const text = textFor(db, values)
    const parameters = parametersOf(text, values)
    // Rows have the shape that the query builder computed from the schema.
    if (isDirect(db)) return db.runDirect(text, parameters) as Row[]
    return db.executeQuery<Row>(CompiledQuery.raw(text.sql, parameters)).then(({ rows }) => rows)
  }
}

/**
 * Two statements of fixed text that change different tables and give no rows, in any order: one round trip where the
 * database is elsewhere.
 */
export function fixedPair<First extends object, Second extends object>(
  buildFirst: Build<First, unknown>,
  buildSecond: Build<Second, unknown>,
): (db: Reader, first: First, second: Second) => void | Promise<void> {
  const firstFor = fixedTexts(buildFirst)
  const secondFor = fixedTexts(buildSecond)
  let joined: string | undefined
  return (db, firstValues, secondValues) => {
    const [first, second] = [firstFor(db, firstValues), secondFor(db, secondValues)]
    const [ofFirst, ofSecond] = [parametersOf(first, firstValues), parametersOf(second, secondValues)]
    if (isDirect(db)) {
      db.runDirect(first, ofFirst)
      db.runDirect(second, ofSecond)
      return
    }
    joined ??= `with first as (${first.sql}) ${numberedFrom(second.sql, ofFirst.length)}`
    return db.executeQuery(CompiledQuery.raw(joined, [...ofFirst, ...ofSecond])).then(() => undefined)
  }
}

/** The parameters of PostgreSQL have numbers. The text has no literals that could look like one. */
function numberedFrom(sql: string, offset: number): string {
  return sql.replace(/\$(\d+)/g, (_, number: string) => `$${Number(number) + offset}`)
}

/** The text for the database at hand, made when it is first asked for. */
function fixedTexts<Values extends object>(
  build: Build<Values, unknown>,
): (db: Reader, values: Values) => FixedText {
  const texts = new Map<DialectAdapter, FixedText>()
  return (db, values) => {
    const { adapter } = db.getExecutor()
    let text = texts.get(adapter)
    if (text === undefined) {
      text = textOf(build(db, placeholdersFor(values)))
      texts.set(adapter, text)
    }
    return text
  }
}

function parametersOf<Values extends object>({ sources }: FixedText, values: Values): unknown[] {
  return sources.map((source) =>
    source instanceof Placeholder ? values[source.name as keyof Values] : source.constant,
  )
}

/** Whether this is SQLite, where one transaction runs at a time. */
export function isDirect(db: Reader): db is DirectDatabase {
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
