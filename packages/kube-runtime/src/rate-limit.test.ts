import { describe, expect, it } from "vitest"
import { createRateLimiter } from "./rate-limit.ts"
import { FakeClock } from "./testing/fake-clock.ts"

describe("a rate limiter", () => {
  it("lets a burst through, then one caller after another", async () => {
    const clock = new FakeClock()
    const limiter = createRateLimiter({ perSecond: 10, burst: 3, clock })
    const passedAt: number[] = []
    const callers = Array.from({ length: 6 }, () =>
      limiter.acquire().then(() => passedAt.push(clock.monotonicMs())),
    )
    await clock.advance(1_000)
    await Promise.all(callers)
    expect(passedAt).toEqual([0, 0, 0, 100, 200, 300])
  })

  it("fills up again, but never above its burst", async () => {
    const clock = new FakeClock()
    const limiter = createRateLimiter({ perSecond: 1, burst: 2, clock })
    await clock.advance(60_000)
    expect([limiter.tryAcquire(), limiter.tryAcquire(), limiter.tryAcquire()]).toEqual([true, true, false])
    await clock.advance(1_000)
    expect([limiter.tryAcquire(), limiter.tryAcquire()]).toEqual([true, false])
  })

  it("ends the wait of a caller who gives up", async () => {
    const clock = new FakeClock()
    const limiter = createRateLimiter({ perSecond: 0.001, burst: 1, clock })
    await limiter.acquire()
    await limiter.acquire(AbortSignal.timeout(10))
    expect(clock.timers).toBe(0)
  })

  it("does nothing at rate 0", async () => {
    const limiter = createRateLimiter({ perSecond: 0, burst: 0, clock: new FakeClock() })
    for (let call = 0; call < 1_000; call++) await limiter.acquire()
    expect(limiter.tryAcquire()).toBe(true)
  })
})
