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

/** A group commit alone, without what opens and closes it in a database. */
async function openCommits() {
  const deps = { clock: aClock(), random: seededRandom("group commit"), log: aLog() }
  await (await openSqliteDatabase({ dataFolder }, deps)).close()
  const path = join(dataFolder, "coffer.db")
  const connection = new SqliteConnection(path, "read-write")
  connection.exec("pragma journal_mode = wal; begin immediate; commit")
  const walSync = new WalSync(path)
  const disk = { isBroken: false }
  const heard: unknown[] = []
  const commits = new GroupCommit({
    ...{ connection, walSync, audit: new SqliteAuditStatements(connection), ...deps },
    betweenBatches: async () => {
      if (disk.isBroken) throw new DatabaseError("other", SQLITE_IOERR_FSYNC, "disk I/O error")
    },
    failed: (error) => heard.push(error),
  })
  const write = (id: string) => commits.write(({ db }) => insertProject(db, id), callSiteOf(write))
  /** Ends all, and says which projects were written. */
  const projectsAtEnd = async () => {
    await commits.close()
    const { rows } = connection.query("select id from project order by id", [])
    walSync.close()
    connection.close()
    return rows.map((row) => row["id"])
  }
  return { commits, connection, disk, heard, log: deps.log, write, projectsAtEnd }
}

it("a sync that failed between two batches refuses also what waits for its turn, and nothing of it is kept", async () => {
  const { commits, disk, log, write, projectsAtEnd } = await openCommits()
  await write("before")
  disk.isBroken = true
  const refused = { kind: "unavailable", message: expect.stringContaining("has to be restarted") }
  const record = commits.record([], { projectIds: [], actorIds: [] })
  await Promise.all([
    expect(write("waiting")).rejects.toMatchObject(refused),
    expect(record).rejects.toMatchObject(refused),
  ])
  disk.isBroken = false
  await expect(write("later")).rejects.toMatchObject(refused)
  expect(await projectsAtEnd()).toEqual(["before"])
  const told = log.entries.map(({ message }) => message)
  expect(told).toContain("Copying the write-ahead log into the database failed")
})

it("a batch that can't begin refuses all that wait, and what comes next is taken", async () => {
  const { commits, connection, heard, write, projectsAtEnd } = await openCommits()
  connection.exec("begin")
  const record = commits.record([], { projectIds: [], actorIds: [] })
  await Promise.all([
    expect(write("refused")).rejects.toBeInstanceOf(DatabaseError),
    expect(record).rejects.toBeInstanceOf(DatabaseError),
  ])
  expect(heard).toHaveLength(1)
  await write("next")
  expect(await projectsAtEnd()).toEqual(["next"])
})

it("a transaction that SQLite ended, as on a full disk, takes along what was in it and nothing that waits", async () => {
  const { commits, connection, write, projectsAtEnd } = await openCommits()
  const full = new Error("database or disk is full")
  const ended = async () => {
    connection.exec("rollback")
    throw full
  }
  await Promise.all([
    expect(write("in it")).rejects.toBe(full),
    expect(commits.write(ended, callSiteOf(write))).rejects.toBe(full),
    write("waiting"),
  ])
  expect(await projectsAtEnd()).toEqual(["waiting"])
})

it("one statement that failed is told to who watches the disk, though the batch is committed", async () => {
  const { heard, write, projectsAtEnd } = await openCommits()
  const writes = await Promise.allSettled([write("one"), write("one"), write("two")])
  const reasons = writes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []))
  expect(reasons).toMatchObject([{ kind: "unique" }])
  expect(heard).toEqual(reasons)
  expect(await projectsAtEnd()).toEqual(["one", "two"])
})

it("a sync that failed in the middle of a batch refuses all of it, and everything until a restart", async () => {
  const { commits, connection, write, projectsAtEnd } = await openCommits()
  const refused = { kind: "unavailable", message: expect.stringContaining("has to be restarted") }
  const failed = async () => {
    connection.exec("rollback")
    throw new DatabaseError("other", SQLITE_IOERR_FSYNC, "disk I/O error")
  }
  await Promise.all([
    expect(write("in it")).rejects.toMatchObject(refused),
    expect(commits.write(failed, callSiteOf(write))).rejects.toMatchObject(refused),
    expect(write("waiting")).rejects.toMatchObject(refused),
  ])
  await expect(write("later")).rejects.toMatchObject(refused)
  expect(await projectsAtEnd()).toEqual([])
})
