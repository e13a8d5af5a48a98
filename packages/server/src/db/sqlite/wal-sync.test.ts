import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, it, vi } from "vitest"
import { AdaptiveSync, WalSync } from "./wal-sync.ts"

/** The inodes of what was synced with its entries. */
const synced = vi.hoisted(() => [] as number[])
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>()
  const fsyncSync = (descriptor: number) => {
    synced.push(fs.fstatSync(descriptor).ino)
    fs.fsyncSync(descriptor)
  }
  return { ...fs, fsyncSync }
})

/** A disk whose syncs take as long as a test says, and what was asked of it where. */
function aDisk() {
  const disk = { tookMs: 0.2, here: 0, elsewhere: 0, failure: undefined as Error | undefined }
  let nowMs = 0
  const sync = new AdaptiveSync({
    now: () => nowMs,
    here: () => {
      disk.here += 1
      nowMs += disk.tookMs
      if (disk.failure !== undefined) throw disk.failure
    },
    elsewhere: (_, done) => {
      disk.elsewhere += 1
      setImmediate(() => done(null))
    },
  })
  const once = () =>
    new Promise<void>((resolve, reject) =>
      sync.sync(7, (error) => (error === null ? resolve() : reject(error))),
    )
  const times = async (count: number) => {
    for (let index = 0; index < count; index++) await once()
  }
  return { disk, once, times }
}

it("a prompt disk is waited for, also when it is late once", async () => {
  const { disk, times } = aDisk()
  await times(50)
  disk.tookMs = 6
  await times(1)
  disk.tookMs = 0.2
  await times(50)
  expect(disk).toMatchObject({ here: 101, elsewhere: 0 })
})

it("a slow disk is left to another thread, and tried again now and then", async () => {
  const { disk, times } = aDisk()
  disk.tookMs = 20
  await times(1_000)
  expect(disk.here).toBeLessThan(10)
  expect(disk.elsewhere).toBe(1_000 - disk.here)
  disk.tookMs = 0.2
  await times(200)
  const { here } = disk
  await times(100)
  expect(disk.here).toBe(here + 100)
})

it("a sync that failed is told as a failure, and the next one is made all the same", async () => {
  const { disk, once } = aDisk()
  disk.failure = new Error("EIO")
  await expect(once()).rejects.toThrow("EIO")
  disk.failure = undefined
  await once()
  expect(disk.here).toBe(2)
})

describe("syncs of the write-ahead log", () => {
  let folder = ""
  let walSync: WalSync | undefined

  afterEach(() => {
    walSync?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A log whose syncs end when a test says so. */
  function aLog() {
    folder = mkdtempSync(join(tmpdir(), "coffer-wal-"))
    writeFileSync(join(folder, "coffer.db-wal"), "")
    const underWay: ((error: Error | null) => void)[] = []
    let begun = 0
    const log = new WalSync(join(folder, "coffer.db"), (_, done) => {
      begun += 1
      underWay.push(done)
    })
    walSync = log
    const end = async (error: Error | null = null) => {
      expect(underWay).toHaveLength(1)
      underWay.shift()?.(error)
      await settled()
    }
    return { log, end, begun: () => begun }
  }

  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

  /** What of these is over by now. */
  function outcomesOf(promises: Record<string, Promise<void>>): string[] {
    const outcomes: string[] = []
    for (const [name, promise] of Object.entries(promises)) {
      promise.then(
        () => outcomes.push(name),
        (error: Error) => outcomes.push(`${name}: ${error.message}`),
      )
    }
    return outcomes
  }

  it("the entry of a new log in its folder is durable before any sync of what is in it", () => {
    aLog()
    expect(synced).toContain(statSync(folder).ino)
  })

  it("one runs and one waits: what comes during a sync is covered by the next one, not by that one", async () => {
    const { log, end, begun } = aLog()
    const first = log.durable()
    const [second, third] = [log.durable(), log.durable()]
    const outcomes = outcomesOf({ first, second, third })
    expect(begun()).toBe(1)
    await end()
    expect([outcomes, begun()]).toEqual([["first"], 2])
    const fourth = outcomesOf({ fourth: log.durable() })
    expect(begun()).toBe(2)
    await end()
    expect([outcomes, fourth, begun()]).toEqual([["first", "second", "third"], [], 3])
    await end()
    expect(fourth).toEqual(["fourth"])
    const fifth = outcomesOf({ fifth: log.durable() })
    expect(begun()).toBe(4)
    await end()
    expect(fifth).toEqual(["fifth"])
  })

  it("after one that failed none is tried any more, and everybody is told why", async () => {
    const { log, end, begun } = aLog()
    const outcomes = outcomesOf({ first: log.durable(), second: log.durable() })
    expect(log.failure).toBeUndefined()
    await end(new Error("EIO"))
    expect(outcomes).toEqual(["first: EIO", "second: EIO"])
    expect(log.failure).toMatchObject({ message: "EIO" })
    await expect(log.durable()).rejects.toThrow("EIO")
    await log.idle()
    expect(begun()).toBe(1)
  })

  it("it is idle once neither one that runs nor one that waits is left", async () => {
    const { log, end } = aLog()
    await log.idle()
    const before = outcomesOf({ first: log.durable() })
    const idle = outcomesOf({ idle: log.idle() })
    const second = outcomesOf({ second: log.durable() })
    await end()
    expect([before, second, idle]).toEqual([["first"], [], []])
    await end()
    expect([second, idle]).toEqual([["second"], ["idle"]])
  })
})
