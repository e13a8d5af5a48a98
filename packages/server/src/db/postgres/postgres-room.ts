import type { Pool } from "pg"
import { AppError } from "../../errors.ts"
import { DatabaseError } from "../database-error.ts"
import { connect, run } from "./postgres-pool.ts"

/** A full disk, and a server that lets nobody write: hosted ones turn to that before their disk is full. */
const CANNOT_WRITE = new Set(["53100", "25006"])

/** Whether a write was refused by a server that can be reached, and can't store anything. */
export function isLackOfServerRoom(error: unknown): boolean {
  const cause = error instanceof AppError ? error.cause : undefined
  return cause instanceof DatabaseError && CANNOT_WRITE.has(cause.code)
}

/** Tries whether the server has room for a megabyte, in a table that nobody sees and that is gone at once. */
export async function hasServerRoom(pool: Pool): Promise<boolean> {
  try {
    const client = await connect(pool)
    let isClean = false
    try {
      await run(client, "begin")
      await run(client, "create temporary table coffer_room (filling text not null) on commit drop")
      await run(client, "insert into coffer_room select md5(random()::text) from generate_series(1, 20000)")
      await run(client, "rollback")
      isClean = true
      return true
    } finally {
      client.release(!isClean)
    }
  } catch (error) {
    // A server that refuses the trial for another reason, such as a missing right, may well take writes: they will show.
    return !isLackOfServerRoom(error)
  }
}
