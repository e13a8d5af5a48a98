import type { Pool } from "pg"
import { DatabaseError } from "../database-error.ts"
import { migrate } from "../migrations/index.ts"
import { createMigrationWriter } from "./postgres-dialect.ts"
import { connect, run } from "./postgres-pool.ts"

/**
 * What a process sees whose `create table if not exists` loses to another: the relation (42P07), its row type (42710), or
 * the catalog's own unique index (23505), after how far the other had come.
 */
const CREATED_MEANWHILE = new Set(["23505", "42P07", "42710"])

/**
 * Brings the schema up to date in one transaction, under a lock on a row: replicas that start together go one after
 * another, and the lock ends with its connection.
 */
export async function migratePostgres(pool: Pool): Promise<void> {
  const client = await connect(pool)
  let isBroken = true
  try {
    await run(client, "create table if not exists coffer_migration_lock (id smallint primary key)").catch(
      tolerateRace,
    )
    await run(client, "insert into coffer_migration_lock (id) values (1) on conflict do nothing")
    await run(client, "begin isolation level read committed")
    await run(client, "set local lock_timeout = '120s'; set local statement_timeout = 0")
    await run(client, "select id from coffer_migration_lock where id = 1 for update")
    await migrate(createMigrationWriter(client), "postgres")
    await run(client, "commit")
    isBroken = false
  } finally {
    client.release(isBroken)
  }
}

function tolerateRace(error: unknown): void {
  if (!(error instanceof DatabaseError && CREATED_MEANWHILE.has(error.code))) throw error
}
