/**
 * When the write-ahead log is copied into the database, when writers wait for that, and what happens when it fails. A
 * stand-in for the worker thread answers when a test says so; the log and its pages are SQLite's own.
 */
import type { EventEmitter } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { aLog, type RecordingLog } from "@coffer/testkit"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import type { CheckpointOutcome } from "./checkpoint-worker.ts"
import { Checkpointer } from "./checkpointer.ts"
import { SqliteConnection } from "./sqlite-connection.ts"

const SQLITE_BUSY = 5
const SQLITE_IOERR_FSYNC = 1034

const { workers, StandIn, patience } = await vi.hoisted(async () => {
  const { EventEmitter: Emitter } = await import("node:events")
  const workers: (EventEmitter & { asked: number; isOver: boolean })[] = []
  class StandIn extends Emitter {
    asked = 0
    isOver = false
    constructor() {
      super()
      workers.push(this)
    }
    postMessage() {
      this.asked += 1
    }
    ref() {}
    unref() {}
    async terminate() {
      await new Promise(setImmediate)
      this.isOver = true
      this.emit("exit")
    }
  }
  return { workers, StandIn, patience: { ends: () => {}, waitedMs: 0 } }
})

vi.mock("node:worker_threads", async (original) => ({ ...(await original<object>()), Worker: StandIn }))
vi.mock("node:timers/promises", () => ({
  setTimeout: (ms: number) =>
    new Promise<void>((resolve) => Object.assign(patience, { ends: resolve, waitedMs: ms })),
}))

const bound = 10
let dataFolder = ""
let connection: SqliteConnection
let log: RecordingLog
let checkpointer: Checkpointer
let nowMs = 0

beforeEach(() => {
  vi.spyOn(performance, "now").mockImplementation(() => nowMs)
  dataFolder = mkdtempSync(join(tmpdir(), "coffer-checkpointer-"))
  const path = join(dataFolder, "coffer.db")
  connection = new SqliteConnection(path, "read-write")
  connection.exec("pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table t (n integer)")
  connection.exec("pragma wal_checkpoint(truncate)")
  log = aLog()
  checkpointer = new Checkpointer(connection, { path, log, boundPages: bound })
})

afterEach(async () => {
  vi.restoreAllMocks()
  workers.at(-1)?.emit("message", { kind: "done" })
  await checkpointer.close()
  workers.length = 0
  connection.close()
  rmSync(dataFolder, { recursive: true, force: true })
})

function pages() {
  const [row] = connection.query("pragma wal_checkpoint(noop)", []).rows
  return { log: Number(row?.["log"]), copied: Number(row?.["checkpointed"]) }
}

/** Each row is one more page in the log. */
function growTo(size: number): void {
  do connection.exec("insert into t values (1)")
  while (pages().log < size)
  expect(pages().log).toBe(size)
}

/** Between two batches, long enough after the last time that it looks at the log again. */
async function between(afterMs = 10): Promise<void> {
  nowMs += afterMs
  await checkpointer.betweenBatches()
}

/** Whether the next batch could begin without waiting for anything outside of this thread. */
async function isHeldUp(): Promise<boolean> {
  let isOver = false
  nowMs += 10
  const waiting = checkpointer.betweenBatches().then(() => {
    isOver = true
  })
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
  held = waiting
  return !isOver
}
let held: Promise<void> | undefined

async function answer(outcome: CheckpointOutcome): Promise<void> {
  workers.at(-1)?.emit("message", outcome)
  await new Promise(setImmediate)
}

const asked = () => workers.map((worker) => worker.asked)
/** What was told of copies that failed. */
const warnings = () => {
  const entries = log.entries.filter(({ level }) => level === "warn")
  return entries.map(({ fields, message }) => `${message}: ${"err" in fields ? String(fields.err) : ""}`)
}

it("the log is copied once it is larger than its bound, and asked for once while that is under way", async () => {
  growTo(bound)
  await between()
  expect(asked()).toEqual([])
  growTo(bound + 1)
  await between()
  expect(asked()).toEqual([1])
  growTo(bound + 2)
  await between()
  expect(asked()).toEqual([1])
})

it("what counts is what was not copied yet, not how large the log is", async () => {
  growTo(bound)
  // Somebody who reads from the log keeps it from starting anew.
  const reader = new SqliteConnection(join(dataFolder, "coffer.db"), "read-only")
  reader.exec("begin; select count(*) from t")
  connection.exec("pragma wal_checkpoint(passive)")
  growTo(bound * 2)
  expect(pages()).toEqual({ log: bound * 2, copied: bound })
  await between()
  expect(asked()).toEqual([])
  growTo(bound * 2 + 1)
  await between()
  expect(asked()).toEqual([1])
  reader.close()
})

it("the size of the log is not asked for again within ten milliseconds", async () => {
  await between()
  growTo(bound + 1)
  await between(9)
  expect(asked()).toEqual([])
  await between(1)
  expect(asked()).toEqual([1])
})

it("what the worker left is copied between two batches, and the log starts anew", async () => {
  growTo(bound + 1)
  await between()
  await answer({ kind: "done" })
  growTo(bound + 5)
  await between()
  expect(pages()).toEqual({ log: bound + 5, copied: bound + 5 })
  growTo(1)
  // From then on it is looked at as before, and by the same worker.
  growTo(bound + 1)
  await between(0)
  expect(asked()).toEqual([2])
})

it("writers wait for the worker once the log is four times its bound, and no earlier", async () => {
  growTo(bound + 1)
  await between()
  growTo(4 * bound)
  expect(await isHeldUp()).toBe(false)
  growTo(4 * bound + 1)
  expect(await isHeldUp()).toBe(true)
  await answer({ kind: "done" })
  await held
  expect(pages()).toEqual({ log: 4 * bound + 1, copied: 4 * bound + 1 })
})

it("writers wait ten seconds at most for a worker that has not its turn, and then go on for five", async () => {
  growTo(bound + 1)
  await between()
  growTo(4 * bound + 1)
  expect(await isHeldUp()).toBe(true)
  expect(patience.waitedMs).toBe(10_000)
  patience.ends()
  await held
  // What a worker copies without holding up anybody is not copied here instead.
  expect(pages()).toEqual({ log: 4 * bound + 1, copied: 0 })
  expect(await isHeldUp()).toBe(false)
  nowMs += 5_000
  expect(await isHeldUp()).toBe(true)
  await answer({ kind: "done" })
  await held
  expect(pages()).toEqual({ log: 4 * bound + 1, copied: 4 * bound + 1 })
})

it("a copy that failed is told, and tried again after five seconds", async () => {
  growTo(bound + 1)
  await between()
  await answer({ kind: "failed", code: SQLITE_BUSY, message: "database is locked" })
  expect(warnings()).toEqual([
    expect.stringMatching(
      /^Copying the write-ahead log into the database failed; it is tried again: .*database is locked/,
    ),
  ])
  await between(4_999)
  expect(asked()).toEqual([1])
  await between(1)
  expect(asked()).toEqual([2])
})

it("a worker that ended, or failed, before it answered is told of, and another one takes its place", async () => {
  growTo(bound + 1)
  await between()
  workers[0]?.emit("exit")
  await new Promise(setImmediate)
  expect(warnings()[0]).toContain("the worker ended early")
  await between(5_000)
  expect(asked()).toEqual([1, 1])
  workers[1]?.emit("error", new Error("out of memory"))
  await new Promise(setImmediate)
  expect(warnings()[1]).toContain("out of memory")
})

it("after a sync that failed in the worker no batch begins any more", async () => {
  growTo(bound + 1)
  await between()
  await answer({ kind: "failed", code: SQLITE_IOERR_FSYNC, message: "disk I/O error" })
  for (const afterMs of [0, 10, 60_000]) {
    await expect(between(afterMs)).rejects.toMatchObject({ code: String(SQLITE_IOERR_FSYNC) })
  }
})

/** From now on thirty seconds pass when what is returned is called. */
function standInForTimers(): () => void {
  const due = new Map<object, () => void>()
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((act: () => void, ms: number) => {
    const timer = { unref: () => timer }
    if (ms === 30_000) due.set(timer, act)
    return timer
  }) as unknown as typeof setTimeout)
  vi.spyOn(globalThis, "clearTimeout").mockImplementation((timer) => {
    due.delete(timer as object)
  })
  return () => {
    for (const act of due.values()) act()
  }
}

it("a worker that is not asked for thirty seconds is ended, and one that was asked again is left to work", async () => {
  const passThirtySeconds = standInForTimers()
  growTo(bound + 1)
  await between()
  await answer({ kind: "done" })
  await between()
  growTo(bound + 1)
  await between()
  passThirtySeconds()
  await new Promise(setImmediate)
  expect(workers.map(({ isOver }) => isOver)).toEqual([false])
  await answer({ kind: "done" })
  passThirtySeconds()
  await new Promise(setImmediate)
  expect(workers.map(({ isOver }) => isOver)).toEqual([true])
  expect([asked(), warnings()]).toEqual([[2], []])
})

it("a worker that is just being ended is not asked: another one is, and its answer counts", async () => {
  const passThirtySeconds = standInForTimers()
  growTo(bound + 1)
  await between()
  await answer({ kind: "done" })
  await between()
  growTo(bound + 1)
  passThirtySeconds()
  await between()
  expect(asked()).toEqual([1, 1])
  await new Promise(setImmediate)
  expect(workers.map(({ isOver }) => isOver)).toEqual([true, false])
  await answer({ kind: "done" })
  await between()
  expect(pages()).toEqual({ log: bound + 1, copied: bound + 1 })
  expect(warnings()).toEqual([])
})

it("closing waits for the copy that is under way, and ends the worker", async () => {
  growTo(bound + 1)
  await between()
  let isClosed = false
  const closing = checkpointer.close().then(() => {
    isClosed = true
  })
  await new Promise(setImmediate)
  expect([isClosed, workers[0]?.isOver]).toEqual([false, false])
  await answer({ kind: "done" })
  await closing
  expect(workers[0]?.isOver).toBe(true)
})
