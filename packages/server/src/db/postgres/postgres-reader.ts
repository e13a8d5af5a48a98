import type { Log } from "../../log.ts"
import type { Reader } from "../database.ts"
import { createPostgresReader } from "./postgres-dialect.ts"
import { createPoolFactory, type PostgresAddress } from "./postgres-pool.ts"

/**
 * Opens a PostgreSQL database for reading, beside the servers that use it.
 *
 * @throws AppError "unavailable" when it can't be reached
 */
export async function openPostgresReader(
  address: PostgresAddress,
  log: Log,
): Promise<{ reader: Reader; close(): Promise<void> }> {
  const pool = (await createPoolFactory(address, log))("reader", 2)
  return { reader: createPostgresReader(pool), close: () => pool.end() }
}
