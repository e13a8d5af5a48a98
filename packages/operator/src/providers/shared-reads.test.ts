import { systemClock } from "@coffer/kube-runtime"
import { describe, expect, it } from "vitest"
import { SharedReads } from "./shared-reads.ts"

const setUp = (limits: { idleMs?: number; maxEntries?: number } = {}) => {
  let nowMs = 0
  const clock = { ...systemClock, nowMs: () => nowMs }
  const reads = new SharedReads<string>({ clock, idleMs: 1_000, maxEntries: 10, ...limits })
  const pending: {
    resolve(value: string): void
    reject(error: Error): void
    previous: string | undefined
  }[] = []
  const read = (notOlderThanMs: number, key = "k", signal = new AbortController().signal) =>
    reads.read(key, { signal, notOlderThanMs }, (previous) => {
      const deferred = Promise.withResolvers<string>()
      pending.push({ ...deferred, previous })
      return deferred.promise
    })
  return { reads, read, pending, advance: (ms: number) => (nowMs += ms) }
}

describe("shared reads", () => {
  it("callers whose demand is met by a read under way wait for it", async () => {
    const { read, pending } = setUp()
    const both = [read(0), read(0)]
    pending[0]!.resolve("one")
    expect(await Promise.all(both)).toEqual(["one", "one"])
    expect(pending).toHaveLength(1)
  })

  it("callers that want something newer wait for the read under way and then share one more", async () => {
    const { read, pending, advance } = setUp()
    const old = read(0)
    advance(5)
    const newer = [read(5), read(4)]
    expect(pending).toHaveLength(1)
    pending[0]!.resolve("old")
    await old
    await Promise.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    expect(pending).toHaveLength(2)
    expect(pending[1]!.previous).toBe("old")
    pending[1]!.resolve("new")
    expect(await Promise.all(newer)).toEqual(["new", "new"])
  })

  it("a failure is shared by those who waited for it, and the next one reads again", async () => {
    const { read, pending, advance } = setUp()
    const both = [read(0), read(0)]
    pending[0]!.reject(new Error("down"))
    for (const one of both) await expect(one).rejects.toThrow("down")
    advance(1)
    const retry = read(0)
    pending[1]!.resolve("up")
    expect(await retry).toBe("up")
  })

  it("a caller that gives up does not end the read of the others", async () => {
    const { read, pending } = setUp()
    const leaving = new AbortController()
    const first = read(0, "k", leaving.signal)
    const second = read(0)
    leaving.abort(new Error("gave up"))
    await expect(first).rejects.toThrow("gave up")
    pending[0]!.resolve("value")
    expect(await second).toBe("value")
  })

  it("what is idle or too much is dropped", async () => {
    const { reads, read, pending, advance } = setUp({ maxEntries: 2 })
    for (const key of ["a", "b", "c"]) {
      const one = read(0, key)
      pending.at(-1)!.resolve(key)
      await one
    }
    expect(reads.size).toBeLessThanOrEqual(2)
    advance(2_000)
    const last = read(2_000, "d")
    pending.at(-1)!.resolve("d")
    await last
    expect(reads.size).toBe(1)
  })
})
