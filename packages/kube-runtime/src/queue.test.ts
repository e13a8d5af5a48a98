import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createMetricsRegistry } from "./metrics.ts"
import { createWorkQueue, type WorkItem, type WorkQueue } from "./queue.ts"
import { FakeClock, settle } from "./testing/fake-clock.ts"

function aQueue(options: { backoffBaseMs?: number; backoffMaxMs?: number } = {}) {
  const clock = new FakeClock()
  const metrics = createMetricsRegistry()
  return { clock, metrics, queue: createWorkQueue({ name: "test", clock, metrics, ...options }) }
}

/** Takes whatever is ready, in order, and finishes it. */
async function drain(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = []
  while (queue.depth > 0) {
    const item = await queue.take()
    if (!item) break
    keys.push(item.key)
    queue.done(item.key)
  }
  return keys
}

describe("a work queue", () => {
  it("hands out a key once, however often it was added", async () => {
    const { queue } = aQueue()
    for (let i = 0; i < 5; i++) queue.add("a")
    queue.add("b")
    expect(await drain(queue)).toEqual(["a", "b"])
  })

  it("hands out a key that was added while it was worked on again, but only after done", async () => {
    const { queue } = aQueue()
    queue.add("a")
    await queue.take()
    queue.add("a")
    queue.add("a")
    expect(queue.depth).toBe(0)
    queue.done("a")
    expect(await drain(queue)).toEqual(["a"])
    expect(queue.depth).toBe(0)
  })

  it("serves whoever waits longest first", async () => {
    const { queue } = aQueue()
    const first = queue.take()
    const second = queue.take()
    queue.add("a")
    queue.add("b")
    expect(await first).toEqual({ key: "a", priority: 0 })
    expect(await second).toEqual({ key: "b", priority: 0 })
  })

  it("puts a higher priority first and keeps the order among equals", async () => {
    const { queue } = aQueue()
    queue.add("low", { priority: -10 })
    queue.add("a")
    queue.add("urgent", { priority: 10 })
    queue.add("b")
    expect(await drain(queue)).toEqual(["urgent", "a", "b", "low"])
  })

  it("raises a waiting key to a higher priority and never lowers it", async () => {
    const { queue } = aQueue()
    queue.add("a")
    queue.add("b")
    queue.add("b", { priority: 5 })
    queue.add("b", { priority: -5 })
    expect(await queue.take()).toEqual({ key: "b", priority: 5 })
    expect(await queue.take()).toEqual({ key: "a", priority: 0 })
  })

  it("keeps a delayed key back until its time", async () => {
    const { clock, queue } = aQueue()
    queue.addAfter("a", 1_000)
    await clock.advance(999)
    expect([queue.depth, queue.delayed]).toEqual([0, 1])
    await clock.advance(1)
    expect(await drain(queue)).toEqual(["a"])
  })

  it("lets the earlier of two delays win, in either order", async () => {
    const { clock, queue } = aQueue()
    queue.addAfter("a", 1_000)
    queue.addAfter("a", 9_000)
    queue.addAfter("b", 9_000)
    queue.addAfter("b", 1_000)
    await clock.advance(1_000)
    expect(await drain(queue)).toEqual(["a", "b"])
    await clock.advance(10_000)
    expect(await drain(queue)).toEqual([])
  })

  it("forgets a delay when the key is added at once", async () => {
    const { clock, queue } = aQueue()
    queue.addAfter("a", 1_000)
    queue.add("a")
    expect(await drain(queue)).toEqual(["a"])
    await clock.advance(5_000)
    expect(queue.depth).toBe(0)
  })

  it("takes a delay that ends while the key is worked on for after done", async () => {
    const { clock, queue } = aQueue()
    queue.add("a")
    await queue.take()
    queue.addAfter("a", 100)
    await clock.advance(100)
    expect(queue.depth).toBe(0)
    queue.done("a")
    expect(await drain(queue)).toEqual(["a"])
  })

  it("doubles the back-off from one second to seven minutes, until forget", async () => {
    const { clock, queue } = aQueue()
    const pauses: number[] = []
    for (let attempt = 0; attempt < 12; attempt++) {
      queue.addRateLimited("a")
      const from = clock.monotonicMs()
      while (queue.depth === 0) await clock.advance(1_000)
      pauses.push((clock.monotonicMs() - from) / 1_000)
      await drain(queue)
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 420, 420, 420])
    expect(queue.failures("a")).toBe(12)
    queue.forget("a")
    queue.addRateLimited("a")
    await clock.advance(1_000)
    expect(await drain(queue)).toEqual(["a"])
  })

  it("ends every waiting take at shut-down and drops what waits", async () => {
    const { clock, queue } = aQueue()
    const waiting = [queue.take(), queue.take()]
    queue.addAfter("later", 10)
    queue.shutDown()
    expect(await Promise.all(waiting)).toEqual([undefined, undefined])
    queue.add("a")
    await clock.advance(100)
    expect(await queue.take()).toBeUndefined()
    expect([queue.depth, queue.delayed, clock.timers]).toEqual([0, 0, 0])
  })

  it("refuses done for a key that was not taken", () => {
    expect(() => aQueue().queue.done("a")).toThrow("not taken")
  })

  it("does not grow with keys that are delayed and added for ever", async () => {
    const { clock, queue } = aQueue()
    for (let round = 0; round < 20_000; round++) {
      queue.addAfter("a", 3_600_000)
      queue.add("a")
      await queue.take()
      queue.done("a")
    }
    expect([queue.depth, queue.delayed]).toEqual([0, 0])
    expect(clock.timers).toBeLessThanOrEqual(1)
  })

  it("counts additions, retries, depth and durations", async () => {
    const { clock, metrics, queue } = aQueue()
    queue.add("a")
    queue.add("a")
    queue.add("b")
    expect(metrics.read("workqueue_depth", { name: "test" })).toBe(2)
    await clock.advance(2_000)
    await queue.take()
    await clock.advance(3_000)
    queue.done("a")
    queue.addRateLimited("a")
    expect(metrics.read("workqueue_adds_total", { name: "test" })).toBe(2)
    expect(metrics.read("workqueue_retries_total", { name: "test" })).toBe(1)
    expect(metrics.read("workqueue_queue_duration_seconds_sum", { name: "test" })).toBe(2)
    expect(metrics.read("workqueue_work_duration_seconds_sum", { name: "test" })).toBe(3)
  })
})

type Step =
  | { kind: "add" | "addRateLimited" | "forget"; key: string; priority: number }
  | { kind: "addAfter"; key: string; priority: number; delayMs: number }
  | { kind: "take" | "done" }
  | { kind: "advance"; byMs: number }

const key = fc.constantFrom("a", "b", "c", "d")
const priority = fc.integer({ min: -2, max: 2 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("add", "addRateLimited", "forget"), key, priority }),
  fc.record({ kind: fc.constant("addAfter"), key, priority, delayMs: fc.integer({ min: -10, max: 5_000 }) }),
  fc.record({ kind: fc.constantFrom("take", "done") }),
  fc.record({ kind: fc.constant("advance"), byMs: fc.integer({ min: 0, max: 3_000 }) }),
) as fc.Arbitrary<Step>

/** Runs steps against the queue and checks, after each, what must always hold. */
async function play(steps: readonly Step[]) {
  const { clock, queue } = aQueue()
  const taken: string[] = []
  /** Keys that were asked for since they were last handed out: none of them may be lost. */
  const owed = new Set<string>()
  const hand = (item: WorkItem | undefined) => {
    if (!item) return
    expect(taken).not.toContain(item.key)
    taken.push(item.key)
    owed.delete(item.key)
  }
  for (const { ...each } of steps) {
    if (each.kind === "add") queue.add(each.key, each)
    if (each.kind === "addRateLimited") queue.addRateLimited(each.key, each)
    if (each.kind === "addAfter") queue.addAfter(each.key, each.delayMs, each)
    if (each.kind.startsWith("add") && "key" in each) owed.add(each.key)
    if (each.kind === "forget") queue.forget(each.key)
    if (each.kind === "advance") await clock.advance(each.byMs)
    if (each.kind === "take" && queue.depth > 0) hand(await queue.take())
    if (each.kind === "done" && taken.length > 0) queue.done(taken.shift() ?? "")
    expect(queue.processing).toBe(taken.length)
    expect(queue.depth + queue.delayed).toBeLessThanOrEqual(8)
  }
  for (const held of taken.splice(0)) queue.done(held)
  await clock.advance(60 * 60_000)
  while (queue.depth > 0) {
    const item = await queue.take()
    hand(item)
    queue.done(item?.key ?? "")
    taken.length = 0
  }
  return { owed, queue }
}

describe("for any history, a work queue", () => {
  it("loses no key and never hands one out twice at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { owed, queue } = await play(steps)
        expect([...owed]).toEqual([])
        expect([queue.depth, queue.delayed, queue.processing]).toEqual([0, 0, 0])
      }),
      { numRuns: 150 },
    )
  })

  it("hands out ready keys by priority, then by arrival", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(fc.string(), priority), { selector: ([name]) => name }),
        async (all) => {
          const { queue } = aQueue()
          for (const [name, rank] of all) queue.add(name, { priority: rank })
          const expected = all.map(([name, rank], arrival) => ({ name, rank, arrival }))
          expected.sort((x, y) => y.rank - x.rank || x.arrival - y.arrival)
          expect(await drain(queue)).toEqual(expected.map(({ name }) => name))
        },
      ),
    )
  })

  it("hands out delayed keys in the order of their times", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 20 }), async (delays) => {
        const { clock, queue } = aQueue()
        delays.forEach((delayMs, index) => {
          queue.addAfter(String(index), delayMs)
        })
        const order: number[] = []
        const worker = (async () => {
          for (let item = await queue.take(); item; item = await queue.take()) {
            order.push(delays[Number(item.key)] ?? 0)
            queue.done(item.key)
          }
        })()
        await clock.advance(500)
        await settle()
        queue.shutDown()
        await worker
        expect(order).toEqual([...delays].sort((x, y) => x - y))
      }),
      { numRuns: 30 },
    )
  })

  it("grows the back-off without a step back and never above its bound", async () => {
    const settings = fc.record({
      base: fc.integer({ min: 1, max: 5_000 }),
      max: fc.integer({ min: 5_000, max: 60_000 }),
    })
    await fc.assert(
      fc.asyncProperty(settings, fc.integer({ min: 1, max: 12 }), async ({ base, max }, attempts) => {
        const { clock, queue } = aQueue({ backoffBaseMs: base, backoffMaxMs: max })
        let expected = base
        for (let attempt = 0; attempt < attempts; attempt++) {
          queue.addRateLimited("a")
          await clock.advance(expected - 1)
          expect(queue.depth).toBe(0)
          await clock.advance(1)
          expect(await drain(queue)).toEqual(["a"])
          expected = Math.min(expected * 2, max)
        }
      }),
      { numRuns: 50 },
    )
  })
})
