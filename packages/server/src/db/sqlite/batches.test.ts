/** Which writes and records share a commit, and when those that do are told. */
import { AsyncResource } from "node:async_hooks"
import { fdatasync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { aClock, aLog, seededRandom } from "@coffer/testkit"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { openKeyring } from "../../keyring/index.ts"
import { isUniqueViolation } from "../database-error.ts"
import { anEvent, insertProject } from "../testing/rows.ts"
import { openSqliteDatabase, type SqliteDatabase, type SqliteDatabaseOptions } from "./sqlite-database.ts"

const nothing = { projectIds: [], actorIds: [] }

let dataFolder = ""
let database: SqliteDatabase | undefined
/** Time passes when a test says so: how busy the machine is decides nothing. */
let nowMs = 0

beforeEach(() => {
  vi.spyOn(performance, "now").mockImplementation(() => nowMs)
  dataFolder = mkdtempSync(join(tmpdir(), "coffer-batches-"))
})

afterEach(async () => {
  vi.restoreAllMocks()
  await database?.close()
  rmSync(dataFolder, { recursive: true, force: true })
})

async function open(options: Partial<SqliteDatabaseOptions> = {}): Promise<SqliteDatabase> {
  const deps = { clock: aClock(), random: seededRandom("batches"), log: aLog() }
  const opened = await openSqliteDatabase({ ...options, dataFolder }, deps)
  database = opened
  await opened.startAudit(await openKeyring(opened, { dataFolder }, deps))
  return opened
}

/** A disk whose syncs wait, from `hold` to `release`. */
function aHeldDisk() {
  let isHeld = false
  let sync: (() => void) | undefined
  const syncFile: SqliteDatabaseOptions["syncFile"] = (descriptor, done) => {
    if (isHeld) sync = () => fdatasync(descriptor, done)
    else fdatasync(descriptor, done)
  }
  return {
    syncFile,
    hold: () => {
      isHeld = true
    },
    isWaiting: () => sync !== undefined,
    release: () => {
      isHeld = false
      sync?.()
    },
  }
}

/** How many events there are under each head: one for each batch. */
async function headSizes({ reader }: SqliteDatabase): Promise<number[]> {
  const rows = await reader.selectFrom("audit_head").select("size").orderBy("size").execute()
  return rows.map(({ size }) => size)
}

it("writes that come together share a commit, up to as many as a batch takes", async () => {
  const storage = await open({ limits: { maxWritesPerBatch: 2 } })
  const written = [1, 2, 3, 4, 5].map((number) =>
    storage.write(async ({ audit }) => {
      audit(anEvent(`event ${number}`))
      return number
    }),
  )
  expect(await Promise.all(written)).toEqual([1, 2, 3, 4, 5])
  expect(await headSizes(storage)).toEqual([2, 4, 5])
})

it("records that come together share a commit, up to as many as a batch takes, and each has its own answer", async () => {
  const storage = await open({ limits: { maxRecordsPerBatch: 2 } })
  await storage.write(({ db }) => insertProject(db, "p1"))
  const recorded = [1, 2, 3, 4, 5].map((number) =>
    storage.record([anEvent(`event ${number}`)], { projectIds: [`p${number % 2}`], actorIds: [] }),
  )
  const answers = (await Promise.all(recorded)).map(({ projectRevisions }) => [...projectRevisions])
  expect(answers).toEqual([[["p1", 0]], [], [["p1", 0]], [], [["p1", 0]]])
  expect(await headSizes(storage)).toEqual([2, 4, 5])
})

it("a write behind one that was not slow shares its commit", async () => {
  const storage = await open()
  const order: string[] = []
  const first = storage
    .write(async () => {
      nowMs += 100
    })
    .then(() => order.push("first is durable"))
  const next = storage.write(async () => order.push("next begins"))
  await Promise.all([first, next])
  expect(order).toEqual(["next begins", "first is durable"])
})

it("a write behind a slow one does not share its commit: the slow one is not held up further", async () => {
  const storage = await open()
  const order: string[] = []
  const slow = storage
    .write(async () => {
      nowMs += 101
    })
    .then(() => order.push("slow is durable"))
  const next = storage.write(async () => order.push("next begins"))
  await Promise.all([slow, next])
  expect(order).toEqual(["slow is durable", "next begins"])
})

it("a write that waited too long for its turn is refused and never begun, and one that waited no longer than that is taken", async () => {
  const storage = await open({ limits: { queueTimeoutMs: 30 } })
  const begun: string[] = []
  const write = (name: string, work?: () => Promise<unknown>) =>
    storage.write(async ({ db }) => {
      begun.push(name)
      await work?.()
      await insertProject(db, name)
    })
  const outside = new AsyncResource("outside of the write")
  let fresh: Promise<void> | undefined
  const slow = write("slow", async () => {
    nowMs += 31
    fresh = outside.runInAsyncScope(() => write("fresh"))
    nowMs += 30
  })
  const late = write("late")
  await expect(late).rejects.toMatchObject({
    kind: "unavailable",
    message: "The database is overloaded: the write waited too long for its turn",
  })
  await slow
  await fresh
  expect(begun).toEqual(["slow", "fresh"])
  const projects = await storage.reader.selectFrom("project").select("id").orderBy("id").execute()
  expect(projects.map(({ id }) => id)).toEqual(["fresh", "slow"])
})

it("what comes while a sync runs shares one commit, however far apart it came", async () => {
  const { syncFile, hold, isWaiting, release } = aHeldDisk()
  const storage = await open({ syncFile })
  hold()
  const write = (name: string) => storage.write(async ({ audit }) => audit(anEvent(name)))
  const first = write("first")
  await expect.poll(isWaiting).toBe(true)
  const later: Promise<void>[] = []
  for (const name of ["second", "third"]) {
    later.push(write(name))
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
  }
  release()
  await Promise.all([first, ...later])
  expect(await headSizes(storage)).toEqual([1, 3])
})

it("a refusal that rests on what a neighbour wrote is told once that is durable, and not before", async () => {
  const { syncFile, hold, isWaiting, release } = aHeldDisk()
  const storage = await open({ syncFile })
  hold()
  const told: string[] = []
  const first = storage.write(({ db }) => insertProject(db)).then(() => told.push("written"))
  const second = storage
    .write(({ db }) => insertProject(db))
    .catch((error: unknown) => {
      expect(error).toSatisfy(isUniqueViolation)
      told.push("refused")
    })
  await expect.poll(isWaiting).toBe(true)
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
  expect(told).toEqual([])
  release()
  await Promise.all([first, second])
  expect(told).toEqual(["written", "refused"])
})

it("when what a refusal rests on could not be made durable, the failed disk is told instead", async () => {
  let isBroken = false
  const storage = await open({
    syncFile: (descriptor, done) =>
      fdatasync(descriptor, (error) => done(isBroken ? new Error("EIO") : error)),
  })
  isBroken = true
  const writes = [1, 2].map(() => storage.write(({ db }) => insertProject(db)))
  const record = storage.record([anEvent("read")], nothing)
  for (const waiting of [...writes, record]) {
    await expect(waiting).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("has to be restarted"),
    })
  }
})
