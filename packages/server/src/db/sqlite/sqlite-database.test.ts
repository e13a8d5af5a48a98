import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, fdatasync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { aClock, aLog, type RecordingLog, seededRandom } from "@coffer/testkit"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { verifyAuditLogs } from "../../audit/index.ts"
import type { Keyring } from "../../keyring/index.ts"
import { openKeyring } from "../../keyring/index.ts"
import { anEvent, insertChange, insertProject, nextRevision } from "../testing/rows.ts"
import { openSqliteDatabase, type SqliteDatabase, type SqliteDatabaseOptions } from "./sqlite-database.ts"

const nothing = { projectIds: [], actorIds: [] }
type Opened = { readonly database: SqliteDatabase; readonly keyring: Keyring; readonly log: RecordingLog }

let dataFolder = ""
let opened: Opened[] = []

beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), "coffer-sqlite-"))
})

afterEach(async () => {
  for (const { database } of opened) await database.close()
  opened = []
  rmSync(dataFolder, { recursive: true, force: true })
})

async function open(options: Partial<SqliteDatabaseOptions> = {}): Promise<Opened> {
  const deps = { clock: aClock(), random: seededRandom(`sqlite ${opened.length}`), log: aLog() }
  const folder = options.dataFolder ?? dataFolder
  const database = await openSqliteDatabase({ ...options, dataFolder: folder }, deps)
  // The root key stays in one place, also for copies of the folder.
  const keyring = await openKeyring(database, { dataFolder }, deps)
  await database.startAudit(keyring)
  const storage = { database, keyring, log: deps.log }
  opened.push(storage)
  return storage
}

async function openWithProject(options: Partial<SqliteDatabaseOptions> = {}): Promise<Opened> {
  const storage = await open(options)
  await storage.database.write(({ db }) => insertProject(db))
  return storage
}

function writeChange({ database }: Opened, path: string): Promise<number> {
  return database.write(async ({ db, audit }) => {
    const revision = await nextRevision(db)
    await insertChange(db, revision, "project-1", path)
    audit(anEvent(path))
    return revision
  })
}

async function pathsOf({ database }: Opened): Promise<(string | null)[]> {
  const rows = await database.reader.selectFrom("change").select("path").orderBy("revision").execute()
  return rows.map((row) => row.path)
}

async function expectIntact({ database, keyring }: Opened): Promise<void> {
  expect((await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes)).findings).toEqual([])
}

describe("data folder", () => {
  it("is readable by its owner alone, every file of it", async () => {
    const storage = await openWithProject()
    await storage.database.record([anEvent("read")], nothing)
    expect(statSync(dataFolder).mode & 0o777).toBe(0o700)
    const files = readdirSync(dataFolder)
    expect(files).toEqual(expect.arrayContaining(["coffer.db", "coffer.db-wal", "coffer.lock", "root.key"]))
    for (const file of files)
      expect([file, statSync(join(dataFolder, file)).mode & 0o777]).toEqual([file, 0o600])
  })

  it("belongs to one process at a time, and is free again when that one is closed", async () => {
    const storage = await open()
    await expect(open()).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("is in use by another coffer process"),
    })
    await storage.database.close()
    await expect(open()).resolves.toBeDefined()
  })

  it("is free again when the process that had it was killed", async () => {
    await (await openWithProject()).database.close()
    const program = new URL("../testing/acknowledging-writer.ts", import.meta.url).pathname
    const child = spawn(process.execPath, [program, dataFolder, "run"], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    await once(child.stdout, "data")
    await expect(open()).rejects.toThrow(/is in use/)
    child.kill("SIGKILL")
    await once(child, "close")
    await expect(open()).resolves.toBeDefined()
  })

  it("a folder that can't be made is a clear error", async () => {
    await expect(open({ dataFolder: "/dev/null/data" })).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("/dev/null/data"),
    })
  })

  it("a database of a newer version is refused", async () => {
    const storage = await open()
    await storage.database.write(({ db }) =>
      // The table belongs to the migrator, not to the schema of this version.
      db
        .insertInto("kysely_migration" as "instance_setting")
        .values({ name: "9999-later", timestamp: "2030" } as never)
        .execute(),
    )
    await storage.database.close()
    await expect(open()).rejects.toMatchObject({ code: "DatabaseTooNew" })
  })
})

describe("group commit", () => {
  it("a use case that waits for something else is rolled back and named, and wedges nobody", async () => {
    const storage = await openWithProject({ limits: { writeTimeoutMs: 100 } })
    async function forgetfulUseCase() {
      return storage.database.write(async ({ db }) => {
        await nextRevision(db)
        await new Promise(() => undefined)
      })
    }
    const [forgotten, kept] = await Promise.allSettled([forgetfulUseCase(), writeChange(storage, "kept")])
    expect(forgotten).toMatchObject({
      status: "rejected",
      reason: { kind: "unavailable", message: expect.stringContaining("forgetfulUseCase") },
    })
    expect(kept).toMatchObject({ status: "fulfilled", value: 1 })
  })

  it("a use case that said how many rows it writes has the longer for it, and no more", async () => {
    const storage = await openWithProject({ limits: { writeTimeoutMs: 20 } })
    const kept = storage.database.write(async ({ db, expectRows }) => {
      expectRows(100_000)
      await new Promise((resolve) => setTimeout(resolve, 100))
      return await nextRevision(db)
    })
    expect(await kept).toBe(1)
    const forgotten = storage.database.write(async ({ expectRows }) => {
      expectRows(100)
      await new Promise(() => undefined)
    })
    await expect(forgotten).rejects.toMatchObject({ kind: "unavailable" })
  })

  it("a use case that was rolled back can't write any more when it wakes up", async () => {
    const storage = await openWithProject({ limits: { writeTimeoutMs: 50 } })
    let wake: () => void = () => undefined
    let late: Promise<unknown> | undefined
    const write = storage.database.write(async ({ db }) => {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      late = nextRevision(db).catch((error: unknown) => error)
      await late
    })
    await expect(write).rejects.toMatchObject({ kind: "unavailable" })
    wake()
    await expect.poll(() => late).toBeDefined()
    expect(String(await late)).toMatch(/this write is over/)
    expect(await writeChange(storage, "next")).toBe(1)
  })

  it("a queue that never ends leaves the event loop to others between batches", async () => {
    const storage = await openWithProject({
      syncFile: (_, done) => done(null),
      limits: { maxWritesPerBatch: 1 },
    })
    let turns = 0
    let isDone = false
    const turn = () => {
      turns += 1
      if (!isDone) setImmediate(turn)
    }
    turn()
    const write = async (caller: number) => {
      for (let count = 0; count < 10; count++) await writeChange(storage, `${caller}/${count}`)
    }
    await Promise.all([1, 2, 3, 4, 5].map(write))
    isDone = true
    expect(turns).toBeGreaterThan(50)
  })

  it("a queue that is full refuses instead of growing", async () => {
    const storage = await openWithProject({ limits: { maxQueued: 5 } })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => writeChange(storage, `${index}`)),
    )
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(5)
    expect(outcomes.at(-1)).toMatchObject({ reason: { kind: "unavailable" } })
  })

  it("nothing is acknowledged before the sync that covers it, and what comes meanwhile shares the next one", async () => {
    const syncs: (() => void)[] = []
    let isHeld = false
    const syncFile: SqliteDatabaseOptions["syncFile"] = (descriptor, done) => {
      if (!isHeld) return fdatasync(descriptor, done)
      syncs.push(() => fdatasync(descriptor, done))
    }
    const storage = await openWithProject({ syncFile })
    isHeld = true
    const acknowledged: string[] = []
    const write = (path: string) => writeChange(storage, path).then(() => acknowledged.push(path))
    const first = write("first")
    await expect.poll(() => syncs.length).toBe(1)
    const later = ["second", "third"].map(write)
    expect(acknowledged).toEqual([])
    syncs.shift()?.()
    await first
    expect(acknowledged).toEqual(["first"])
    await expect.poll(() => syncs.length).toBe(1)
    expect(await pathsOf(storage)).toEqual(["first", "second", "third"])
    syncs.shift()?.()
    await Promise.all(later)
    expect(acknowledged).toEqual(["first", "second", "third"])
    expect(syncs).toEqual([])
    isHeld = false
  })
})

describe("closing", () => {
  it("waits for the sync of what was written before", async () => {
    let sync: (() => void) | undefined
    let isHeld = false
    const syncFile: SqliteDatabaseOptions["syncFile"] = (descriptor, done) => {
      if (isHeld) sync = () => fdatasync(descriptor, done)
      else fdatasync(descriptor, done)
    }
    const storage = await openWithProject({ syncFile })
    isHeld = true
    const order: string[] = []
    const write = writeChange(storage, "last").then(() => order.push("written"))
    await expect.poll(() => sync).toBeDefined()
    isHeld = false
    const closing = storage.database.close().then(() => order.push("closed"))
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
    expect(order).toEqual([])
    sync?.()
    await Promise.all([write, closing])
    expect(order).toEqual(["written", "closed"])
  })
})

describe("power loss", () => {
  it("what was acknowledged is in every image of the disk that its sync left", async () => {
    const images: string[] = []
    const copies = mkdtempSync(join(tmpdir(), "coffer-images-"))
    const syncFile: SqliteDatabaseOptions["syncFile"] = (descriptor, done) => {
      // The least that the disk holds after this sync is what the files hold now. The worker only ever writes the
      // database file, so that one is copied first.
      const image = join(copies, String(images.length))
      mkdirSync(image)
      for (const file of ["coffer.db", "coffer.db-wal"])
        copyFileSync(join(dataFolder, file), join(image, file))
      fdatasync(descriptor, (error) => {
        images.push(image)
        done(error)
      })
    }
    const storage = await openWithProject({ syncFile, walBoundPages: 40 })
    const promised: string[][] = []
    await Promise.all(
      Array.from({ length: 6 }, async (_, caller) => {
        for (let count = 0; count < 25; count++) {
          const path = `${caller}/${count}`
          await writeChange(storage, path)
          // What is acknowledged by now is promised of the newest finished image.
          const newest = images.length - 1
          promised[newest] = [...(promised[newest] ?? []), path]
        }
      }),
    )
    const everything: string[] = []
    let checked = 0
    for (const [index, image] of images.entries()) {
      everything.push(...(promised[index] ?? []))
      if (index % 10 !== 0 && index !== images.length - 1) continue
      const restored = await open({ dataFolder: image })
      const paths = new Set(await pathsOf(restored))
      expect(everything.filter((path) => !paths.has(path))).toEqual([])
      await expectIntact(restored)
      await restored.database.close()
      checked += 1
    }
    expect(everything).toHaveLength(150)
    expect(checked).toBeGreaterThan(3)
    rmSync(copies, { recursive: true, force: true })
  })

  it("after a failed sync nothing is answered any more until a restart", async () => {
    let isBroken = false
    const syncFile: SqliteDatabaseOptions["syncFile"] = (descriptor, done) => {
      fdatasync(descriptor, (error) => done(isBroken ? new Error("EIO") : error))
    }
    const storage = await openWithProject({ syncFile })
    isBroken = true
    const refused = { kind: "unavailable", message: expect.stringContaining("has to be restarted") }
    await expect(writeChange(storage, "lost")).rejects.toMatchObject(refused)
    isBroken = false
    await expect(writeChange(storage, "refused")).rejects.toMatchObject(refused)
    await expect(storage.database.record([anEvent("refused")], nothing)).rejects.toMatchObject(refused)
    expect(storage.log.entries.filter((entry) => entry.level === "error")).toHaveLength(1)
    await storage.database.close()
    expect(await writeChange(await open(), "after")).toBeGreaterThan(0)
  })
})

describe("write-ahead log", () => {
  it("stays bounded under load, and starts anew", async () => {
    const storage = await openWithProject({ walBoundPages: 100 })
    const events = Array.from({ length: 100 }, (_, index) => anEvent(`read ${index}`))
    for (let round = 0; round < 300; round++) await storage.database.record(events, nothing)
    const walBytes = statSync(join(dataFolder, "coffer.db-wal")).size
    const databaseBytes = statSync(join(dataFolder, "coffer.db")).size
    expect(databaseBytes).toBeGreaterThan(10 * 1024 * 1024)
    expect(walBytes).toBeLessThan(8 * 1024 * 1024)
    await expectIntact(storage)
  })
})

describe("locked by another process", () => {
  it("everyone who waits is told after a bounded wait, and it is over when the lock is", async () => {
    const storage = await openWithProject()
    const stranger = new DatabaseSync(join(dataFolder, "coffer.db"))
    stranger.exec("begin exclusive")
    const outcomes = await Promise.allSettled([
      writeChange(storage, "one"),
      writeChange(storage, "two"),
      storage.database.record([anEvent("read")], nothing),
    ])
    stranger.exec("rollback")
    stranger.close()
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        status: "rejected",
        reason: {
          kind: "unavailable",
          message: "The database can't be used: it is locked by another process",
        },
      })
    }
    expect(await writeChange(storage, "three")).toBe(1)
    expect(await pathsOf(storage)).toEqual(["three"])
    await expectIntact(storage)
  })
})

describe("full disk", () => {
  it("is a clear error, leaves nothing half done, and is over without a restart once there is space", async () => {
    const outcome = await runOnSmallDisk()
    expect(outcome.refusal).toMatchObject({
      kind: "unavailable",
      message: expect.stringMatching(/disk is full/),
    })
    expect(outcome.readiness).toEqual([true, false, true])
    expect(outcome.said).toEqual([
      "The database can't be written: the server is not ready until it can",
      "The database can be written again",
    ])
    expect(outcome.files).not.toContain("coffer.room")
    expect(outcome.missing).toEqual([])
    expect(outcome.halfDone).toEqual([])
    expect(outcome.acknowledgedAfterwards).toBe(true)
    expect(outcome.findings).toEqual([])
  })
})

type SmallDiskOutcome = {
  readonly refusal: object
  /** Before, while the disk is full, and once there is room, before anything was written. */
  readonly readiness: boolean[]
  /** What the log has about room to write. */
  readonly said: string[]
  readonly files: string[]
  readonly missing: string[]
  readonly halfDone: string[]
  readonly acknowledgedAfterwards: boolean
  readonly findings: unknown[]
}

/** Runs the scenario on a file system of three megabytes, in a mount namespace of its own. */
async function runOnSmallDisk(): Promise<SmallDiskOutcome> {
  const program = new URL("../testing/full-disk-scenario.ts", import.meta.url).pathname
  const script = 'mount -t tmpfs -o size=3m tmpfs "$1" && exec "$2" "$3" "$1/data"'
  const namespace = process.getuid?.() === 0 ? ["-m"] : ["-rm"]
  const child: ChildProcess = spawn(
    "unshare",
    [...namespace, "sh", "-c", script, "sh", dataFolder, process.execPath, program],
    { stdio: ["ignore", "pipe", "inherit"] },
  )
  let output = ""
  child.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString()
  })
  const [code] = await once(child, "close")
  expect(code).toBe(0)
  return JSON.parse(output)
}
