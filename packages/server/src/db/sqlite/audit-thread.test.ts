import { EventEmitter, once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { aClock, aLog, seededRandom } from "@coffer/testkit"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { verifyAuditLogs } from "../../audit/index.ts"
import { type Keyring, openKeyring } from "../../keyring/index.ts"
import { anEvent, insertProject, nextRevision } from "../testing/rows.ts"
import type { AuditBatch, AuditBatchOutcome } from "./audit-batch.ts"
import type { AuditPort } from "./audit-thread.ts"
import { openSqliteDatabase, type SqliteDatabase } from "./sqlite-database.ts"

const aboutProject = { projectIds: ["project-1"], actorIds: [] }
const SQLITE_FULL = 13
const SQLITE_IOERR_FSYNC = 1034

let dataFolder = ""
let database: SqliteDatabase
let keyring: Keyring

beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), "coffer-audit-thread-"))
})

afterEach(async () => {
  await database.close()
  rmSync(dataFolder, { recursive: true, force: true })
})

/** A port that is the real thread's until a test takes it over. */
class WatchedPort extends EventEmitter implements AuditPort {
  readonly batches: AuditBatch[] = []
  /** What to do with a batch in the place of the thread; `undefined`: pass it on. */
  takeOver: ((batch: AuditBatch) => void) | undefined
  /** Drops what the thread answers. */
  isDeaf = false
  /** Keeps what the thread answers until {@link release}. */
  #held: AuditBatchOutcome[] | undefined
  readonly #real: AuditPort

  constructor(real: AuditPort) {
    super()
    this.#real = real
    real.on("message", (outcome) => {
      if (this.isDeaf) this.emit("deaf")
      else if (this.#held !== undefined) {
        this.#held.push(outcome)
        this.emit("held")
      } else this.emit("message", outcome)
    })
    real.on("error", (error) => this.emit("error", error))
    real.on("exit", () => this.emit("exit"))
  }

  postMessage(batch: AuditBatch): void {
    this.batches.push(batch)
    if (this.takeOver === undefined) this.pass(batch)
    else this.takeOver(batch)
  }

  /** Gives a batch to the real thread. */
  pass(batch: AuditBatch): void {
    this.#real.postMessage(batch)
  }

  answer(outcome: AuditBatchOutcome): void {
    this.emit("message", outcome)
  }

  hold(): void {
    this.#held = []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const outcome of held) this.emit("message", outcome)
  }

  terminate(): Promise<unknown> {
    return this.#real.terminate()
  }

  unref(): void {
    this.#real.unref()
  }
}

/** Opens a database with a project, and puts it under load until the thread has begun. */
async function openUnderLoad(): Promise<WatchedPort> {
  const deps = { clock: aClock(), random: seededRandom("audit thread"), log: aLog() }
  let port: WatchedPort | undefined
  const wrapAuditPort = (real: AuditPort) => {
    port = new WatchedPort(real)
    return port
  }
  database = await openSqliteDatabase({ dataFolder, wrapAuditPort }, deps)
  keyring = await openKeyring(database, { dataFolder }, deps)
  await database.startAudit(keyring)
  await database.write(({ db }) => insertProject(db))
  for (let batch = 0; port === undefined && batch < 100; batch += 1) await recordMany(`warm-${batch}`)
  if (port === undefined) throw new Error("the thread was not started")
  await recordMany("warm")
  return port
}

function recordMany(name: string, count = 8) {
  const ids = Array.from({ length: count }, (_, index) => `${name}-${index}`)
  return Promise.all(ids.map((id) => database.record([anEvent(id)], aboutProject)))
}

async function idsInLog(name: string): Promise<string[]> {
  const rows = await database.reader
    .selectFrom("audit_event")
    .select("id")
    .where("id", "like", `${name}-%`)
    .orderBy("seq")
    .execute()
  return rows.map((row) => row.id)
}

async function expectIntact(): Promise<void> {
  expect((await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes)).findings).toEqual([])
}

const eight = (name: string) => Array.from({ length: 8 }, (_, index) => `${name}-${index}`)

describe("audit thread", () => {
  it("makes large batches of records durable, in the order in which they came", async () => {
    const port = await openUnderLoad()
    const before = port.batches.length
    const witnesses = await recordMany("read")
    expect(port.batches.slice(before).map((batch) => batch.times.length)).toEqual([8])
    expect(witnesses.map(({ projectRevisions }) => projectRevisions.get("project-1"))).toEqual(
      Array.from({ length: 8 }, () => 0),
    )
    expect(await idsInLog("read")).toEqual(eight("read"))
    await expectIntact()
  })

  it("takes turns with writes: no witness is older than an acknowledged write, and the log stays whole", async () => {
    await openUnderLoad()
    for (let round = 0; round < 20; round += 1) {
      const reads = recordMany(`before-${round}`)
      const revision = await database.write(async ({ db, audit }) => {
        audit(anEvent(`write-${round}`))
        return await nextRevision(db)
      })
      for (const { projectRevisions } of await recordMany(`after-${round}`)) {
        expect(projectRevisions.get("project-1")).toBe(revision)
      }
      await reads
    }
    expect(await idsInLog("write")).toHaveLength(20)
    await expectIntact()
  })

  it("that ends before it has begun a batch loses no other one", async () => {
    const port = await openUnderLoad()
    port.takeOver = () => void port.terminate()
    await expect(recordMany("lost")).rejects.toMatchObject({ kind: "unavailable" })
    await recordMany("later")
    expect(await idsInLog("lost")).toEqual([])
    expect(await idsInLog("later")).toEqual(eight("later"))
    await expectIntact()
  })

  it("that ends after a commit, before it has answered, leaves a log that goes on where it ends", async () => {
    const port = await openUnderLoad()
    port.isDeaf = true
    port.once("deaf", () => void port.terminate())
    await expect(recordMany("committed")).rejects.toMatchObject({ kind: "unavailable" })
    await recordMany("later")
    expect(await idsInLog("committed")).toEqual(eight("committed"))
    expect(await idsInLog("later")).toEqual(eight("later"))
    await expectIntact()
  })

  it("is given what comes while it works, small batches too, and answers in order", async () => {
    const port = await openUnderLoad()
    const before = port.batches.length
    const answered: string[] = []
    port.hold()
    const waves: Promise<void>[] = []
    for (const [name, count] of [
      ["first", 8],
      ["second", 1],
      ["third", 1],
    ] as const) {
      waves.push(recordMany(name, count).then(() => void answered.push(name)))
      while (port.batches.length < before + waves.length) await new Promise(setImmediate)
    }
    expect(answered).toEqual([])
    port.release()
    await Promise.all(waves)
    expect(port.batches.slice(before).map((batch) => [batch.times.length, batch.end === undefined])).toEqual([
      [8, false],
      [1, true],
      [1, true],
    ])
    expect(answered).toEqual(["first", "second", "third"])
    await expectIntact()
  })

  it("that ends with several batches loses them all, and no other one", async () => {
    const port = await openUnderLoad()
    port.takeOver = (batch) => {
      if (batch.end === undefined) void port.terminate()
    }
    const before = port.batches.length
    const first = recordMany("lost-a")
    while (port.batches.length === before) await new Promise(setImmediate)
    const second = recordMany("lost-b")
    await expect(first).rejects.toMatchObject({ kind: "unavailable" })
    await expect(second).rejects.toMatchObject({ kind: "unavailable" })
    await recordMany("later")
    expect(await idsInLog("lost")).toEqual([])
    expect(await idsInLog("later")).toEqual(eight("later"))
    await expectIntact()
  })

  it("a batch that found no room is refused alone", async () => {
    const port = await openUnderLoad()
    port.takeOver = () =>
      port.answer({ kind: "failed", batches: 1, code: SQLITE_FULL, message: "database or disk is full" })
    await expect(recordMany("refused")).rejects.toMatchObject({
      kind: "unavailable",
      message: "The database can't be used: the disk is full",
    })
    port.takeOver = undefined
    await recordMany("later")
    expect(await idsInLog("refused")).toEqual([])
    expect(await idsInLog("later")).toEqual(eight("later"))
    await expectIntact()
  })

  it("a sync that failed ends all answers until a restart, writes too", async () => {
    const port = await openUnderLoad()
    port.takeOver = () =>
      port.answer({ kind: "failed", batches: 1, code: SQLITE_IOERR_FSYNC, message: "disk I/O error" })
    await expect(recordMany("unsure")).rejects.toMatchObject({ kind: "unavailable" })
    port.takeOver = undefined
    await expect(recordMany("later")).rejects.toMatchObject({ message: /has to be restarted/ })
    await expect(database.write(({ db }) => nextRevision(db))).rejects.toMatchObject({
      message: /has to be restarted/,
    })
  })

  it("a batch that found the database locked has told the next one where the log ends", async () => {
    const port = await openUnderLoad()
    // The thread's own idea of the end is one write old.
    await database.write(async ({ audit }) => audit(anEvent("write-0")))
    const before = port.batches.length
    const waiting: AuditBatch[] = []
    port.takeOver = (batch) => (batch.end === undefined ? void waiting.push(batch) : port.pass(batch))
    port.hold()
    const other = new DatabaseSync(join(dataFolder, "coffer.db"))
    try {
      other.exec("begin immediate")
      const locked = expect(recordMany("locked")).rejects.toMatchObject({
        message: "The database can't be used: it is locked by another process",
      })
      while (port.batches.length === before) await new Promise(setImmediate)
      const next = recordMany("next")
      while (waiting.length === 0) await new Promise(setImmediate)
      await once(port, "held")
      other.exec("rollback")
      for (const batch of waiting) port.pass(batch)
      port.release()
      await Promise.all([locked, next])
    } finally {
      other.close()
    }
    expect(await idsInLog("locked")).toEqual([])
    expect(await idsInLog("next")).toEqual(eight("next"))
    await expectIntact()
  })

  it("small batches stay on the main thread", async () => {
    const port = await openUnderLoad()
    const before = port.batches.length
    for (let index = 0; index < 5; index += 1) await recordMany(`quiet-${index}`, 1)
    expect(port.batches).toHaveLength(before)
    await expectIntact()
  })
})
