import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Reader } from "../database.ts"
import { databaseUnavailable } from "../database-error.ts"
import { SqliteConnection } from "./sqlite-connection.ts"
import { createSqliteReader } from "./sqlite-dialect.ts"

/**
 * Opens the database of a data folder for reading, beside the server that may have it open.
 *
 * @throws AppError "unavailable" when there is none
 */
export function openSqliteReader(dataFolder: string): { reader: Reader; close(): Promise<void> } {
  const path = join(dataFolder, "coffer.db")
  if (!existsSync(path))
    throw databaseUnavailable(
      `There is no database in the data folder '${dataFolder}': name the server's (COFFER_DATA_DIR, --data-dir)`,
    )
  const connection = new SqliteConnection(path, "read-only")
  return { reader: createSqliteReader(connection), close: async () => connection.close() }
}
