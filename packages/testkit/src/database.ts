import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openStorage, type Random, Secret, type Storage } from "@coffer/server"
import { afterEach, describe } from "vitest"
import { aClock, type FakeClock, seededRandom } from "./clock.ts"
import { aLog, type RecordingLog } from "./log.ts"
import { describeWithPostgres } from "./postgres.ts"

/** A real database with its keyring and audit log, and the fakes it was opened with. */
export type TestStorage = Storage & {
  readonly dataFolder: string
  /** Set for PostgreSQL. */
  readonly connectionUri: Secret | undefined
  readonly clock: FakeClock
  readonly random: Random
  readonly log: RecordingLog
}

export type TestStorageOptions = {
  readonly clock?: FakeClock
  readonly random?: Random
  /** Opens the database of another one again, as a restarted or a second process does. */
  readonly sameAs?: TestStorage
}

/** Opens a storage that is closed and removed when the test ends. Without `sameAs`, an empty one. */
export type OpenTestStorage = (options?: TestStorageOptions) => Promise<TestStorage>

/**
 * `describe` for everything that stands on a database. Write the suite once and run it from `x.test.ts` with "sqlite"
 * and from `x.int.test.ts` with "postgres".
 */
export function describeDatabase(
  kind: "sqlite" | "postgres",
  name: string,
  define: (open: OpenTestStorage) => void,
): void {
  if (kind === "sqlite") {
    describe(`${name} (SQLite)`, () => define(openerOf(async () => undefined)))
    return
  }
  describeWithPostgres(`${name} (PostgreSQL)`, (postgres) => {
    define(openerOf(async () => new Secret(await postgres().createDatabase())))
  })
}

let opened = 0

/** Registers the cleaning up with the suite at hand. */
function openerOf(createDatabase: () => Promise<Secret | undefined>): OpenTestStorage {
  const open: TestStorage[] = []
  const folders: string[] = []
  afterEach(async () => {
    for (const storage of open.splice(0)) await storage.database.close()
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  return async ({ clock = aClock(), random, sameAs } = {}) => {
    opened += 1
    const dataFolder = sameAs?.dataFolder ?? mkdtempSync(join(tmpdir(), "coffer-storage-"))
    if (sameAs === undefined) folders.push(dataFolder)
    const connectionUri = sameAs ? sameAs.connectionUri : await createDatabase()
    const deps = { clock, random: random ?? seededRandom(`storage ${opened}`), log: aLog() }
    const config = { dataFolder, ...(connectionUri === undefined ? {} : { connectionUri }) }
    const storage = { ...(await openStorage(config, deps)), ...deps, dataFolder, connectionUri }
    open.push(storage)
    return storage
  }
}
