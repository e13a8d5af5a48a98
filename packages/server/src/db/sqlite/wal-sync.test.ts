import { expect, it } from "vitest"
import { AdaptiveSync } from "./wal-sync.ts"

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
