import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { aClock, aLog, seededRandom } from "@coffer/testkit"
import { afterEach, beforeEach, expect, it } from "vitest"
import { DatabaseError } from "../database-error.ts"
import { callSiteOf } from "../open-write-scope.ts"
import { insertProject } from "../testing/rows.ts"
import { GroupCommit } from "./group-commit.ts"
import { SqliteAuditStatements } from "./sqlite-audit.ts"
import { SqliteConnection } from "./sqlite-connection.ts"
import { openSqliteDatabase } from "./sqlite-database.ts"
import { WalSync } from "./wal-sync.ts"

const SQLITE_IOERR_FSYNC = "1034"

let dataFolder = ""

beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), "coffer-group-commit-"))
})

afterEach(() => rmSync(dataFolder, { recursive: true, force: true }))

it("a sync that failed between two batches refuses also what waits for its turn, and nothing of it is kept", async () => {
  const deps = { clock: aClock(), random: seededRandom("group commit"), log: aLog() }
  await (await openSqliteDatabase({ dataFolder }, deps)).close()
  const path = join(dataFolder, "coffer.db")
  const connection = new SqliteConnection(path, "read-write")
  connection.exec("pragma journal_mode = wal; begin immediate; commit")
  const walSync = new WalSync(path)
  let isBroken = false
  const commits = new GroupCommit({
    ...{ connection, walSync, audit: new SqliteAuditStatements(connection), ...deps },
    betweenBatches: async () => {
      if (isBroken) throw new DatabaseError("other", SQLITE_IOERR_FSYNC, "disk I/O error")
    },
    failed: () => undefined,
  })
  const write = (id: string) => commits.write(({ db }) => insertProject(db, id), callSiteOf(write))
  await write("before")
  isBroken = true
  const refused = { kind: "unavailable", message: expect.stringContaining("has to be restarted") }
  const record = commits.record([], { projectIds: [], actorIds: [] })
  await Promise.all([
    expect(write("waiting")).rejects.toMatchObject(refused),
    expect(record).rejects.toMatchObject(refused),
  ])
  isBroken = false
  await expect(write("later")).rejects.toMatchObject(refused)
  await commits.close()
  const { rows } = connection.query("select id from project", [])
  expect(rows.map((row) => row["id"])).toEqual(["before"])
  walSync.close()
  connection.close()
})
