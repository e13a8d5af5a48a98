import { aClock } from "@coffer/testkit"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { Readiness } from "./readiness.ts"

const notReady = { kind: "unavailable", code: "NotReady", message: /not ready/ }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe("readiness", () => {
  it("asks the database once a second at most, whoever asks", async () => {
    const clock = aClock()
    const assertWritable = vi.fn(async () => undefined)
    const readiness = new Readiness({ clock, database: { assertWritable } })
    await Promise.all(Array.from({ length: 50 }, () => readiness.check()))
    clock.advance(999)
    await readiness.check()
    expect(assertWritable).toHaveBeenCalledTimes(1)
    clock.advance(1)
    await readiness.check()
    expect(assertWritable).toHaveBeenCalledTimes(2)
  })

  it("is refused while the database is away, without its reasons, and comes back by itself", async () => {
    const clock = aClock()
    const assertWritable = vi.fn(async () => undefined)
    assertWritable.mockRejectedValueOnce(new Error("connect ECONNREFUSED 10.0.0.7:5432"))
    const readiness = new Readiness({ clock, database: { assertWritable } })
    await expect(readiness.check()).rejects.toMatchObject(notReady)
    await expect(readiness.check()).rejects.not.toThrow(/10\.0\.0\.7/)
    clock.advance(1_000)
    await expect(readiness.check()).resolves.toBeUndefined()
  })

  it("waits two seconds for an answer, and never asks twice at a time", async () => {
    const clock = aClock()
    const late = Promise.withResolvers<void>()
    const assertWritable = vi.fn(() => late.promise)
    const readiness = new Readiness({ clock, database: { assertWritable } })
    for (let round = 0; round < 3; round += 1) {
      const refused = expect(readiness.check()).rejects.toMatchObject(notReady)
      await vi.advanceTimersByTimeAsync(2_000)
      await refused
      clock.advance(2_000)
    }
    expect(assertWritable).toHaveBeenCalledTimes(1)
    late.resolve()
    await vi.advanceTimersByTimeAsync(0)
    await expect(readiness.check()).resolves.toBeUndefined()
  })
})
