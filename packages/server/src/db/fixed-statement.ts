import { type Compilable, CompiledQuery, type DialectAdapter } from "kysely"
import type { Reader } from "./database.ts"

/** A guard only: names are written in the code, so there are as many as there are callers. */
const maxTexts = 200
const textsByDialect = new WeakMap<DialectAdapter, Map<string, string>>()

/**
 * Runs a statement of a hot path whose text is always the same. The query builder makes the text once; that takes longer
 * than running it. Where the parameters of what was built are not the values in their order, nothing is kept.
 *
 * @param name of the statement; together with the names of `values` it decides the text
 * @param values its parameters, in the order in which they appear in the text
 * @param build must not look at the values but to pass them on
 */
export async function runFixed<Values extends object, Row>(
  db: Reader,
  name: string,
  values: Values,
  build: (values: Values) => Compilable<Row>,
): Promise<Row[]> {
  const { adapter } = db.getExecutor()
  const texts = textsByDialect.get(adapter) ?? new Map<string, string>()
  textsByDialect.set(adapter, texts)
  const key = `${name}: ${Object.keys(values).join()}`
  const text = texts.get(key)
  const parameters: unknown[] = Object.values(values)
  if (text !== undefined) return (await db.executeQuery<Row>(CompiledQuery.raw(text, parameters))).rows
  const built = build(values).compile()
  if (texts.size < maxTexts && areSame(built.parameters, parameters)) texts.set(key, built.sql)
  return (await db.executeQuery(built)).rows
}

function areSame(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((value, index) => Object.is(value, right[index]))
}
