/** What tables the database has, and what they hold of a project. */
import type { TestStorage } from "@coffer/testkit"
import { sql } from "kysely"

type Database = TestStorage["database"]

const columnsOf = {
  sqlite: sql<Column>`
    select t.name as "table", c.name as "column" from sqlite_master as t, pragma_table_info(t.name) as c
    where t.type = 'table' and t.name not like 'sqlite_%'`,
  postgres: sql<Column>`
    select table_name as "table", column_name as "column" from information_schema.columns
    where table_schema = current_schema()`,
}

type Column = { readonly table: string; readonly column: string }

/** The tables of the product with their columns; migrations have tables of their own. */
export async function tablesOf({ kind, reader }: Database) {
  const { rows } = await columnsOf[kind].execute(reader)
  const ours = rows.filter(({ table }) => !/^kysely_|^coffer_migration/.test(table))
  const tables = Map.groupBy(ours, ({ table }) => table)
  return [...tables].map(([name, columns]) => ({ name, columns: columns.map(({ column }) => column) }))
}

/** How many rows of a table are of a project. */
export async function countRows({ reader }: Database, table: string, projectId: string): Promise<number> {
  const column = sql.ref(table === "project" || table === "former_project" ? "id" : "project_id")
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from ${sql.table(table)} where ${column} = ${projectId}`.execute(reader)
  return Number(rows[0]?.n)
}
