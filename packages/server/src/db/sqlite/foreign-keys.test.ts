/** Whoever deletes a row that others refer to must find these without reading their whole table. */
import { describeDatabase } from "@coffer/testkit"
import { sql } from "kysely"
import { expect, it } from "vitest"
import type { Reader } from "../database.ts"

type Row = Readonly<Record<string, unknown>>

async function rowsOf(db: Reader, pragma: string, of: string): Promise<readonly Row[]> {
  return (await sql<Row>`select * from ${sql.raw(pragma)}(${of})`.execute(db)).rows
}

/** Columns of a table that an index begins with, of rows that have a value there. */
async function indexedColumns(db: Reader, table: string): Promise<ReadonlySet<unknown>> {
  const columns = new Set<unknown>()
  for (const index of await rowsOf(db, "pragma_index_list", table)) {
    const [first] = await rowsOf(db, "pragma_index_info", String(index.name))
    const { text } = (
      await sql<{
        text: string | null
      }>`select sql as text from sqlite_schema where name = ${index.name}`.execute(db)
    ).rows[0] ?? { text: null }
    const isWhole = index.partial === 0 || text?.endsWith(`where ${first?.name} is not null`)
    if (isWhole) columns.add(first?.name)
  }
  return columns
}

describeDatabase("sqlite", "foreign keys", (open) => {
  it("have an index that begins with them and leaves no row out", async () => {
    const db = (await open()).database.reader
    const tables = await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(
      db,
    )
    const keys: string[] = []
    const slow: string[] = []
    for (const { name } of tables.rows) {
      const indexed = await indexedColumns(db, name)
      for (const key of await rowsOf(db, "pragma_foreign_key_list", name)) {
        keys.push(`${name}.${key.from}`)
        if (!indexed.has(key.from)) slow.push(`${name}.${key.from}`)
      }
    }
    expect(keys).toContain("secret.folder_id")
    // Environments go one by one, and a project has few folders beside its secrets.
    expect(slow).toEqual(["folder.environment_id"])
  })
})
