import { describe, expect, it } from "vitest"
import { type AttemptCount, countAttempt } from "./domain.ts"

const rule = { limit: 3, windowMs: 1_000, lockMs: 500 }
const none: AttemptCount = { attempts: 0, windowStartedAt: 0, lockedUntil: null }

describe("attempts to prove who somebody is", () => {
  it("as many as the limit are answered inside a window, and the last of them locks", () => {
    const first = countAttempt(none, rule, 0)
    const second = countAttempt(first.count, rule, 10)
    expect(second).toEqual({
      isAllowed: true,
      count: { attempts: 2, windowStartedAt: 0, lockedUntil: null },
    })
    const third = countAttempt(second.count, rule, 20)
    expect(third).toEqual({ isAllowed: true, count: { attempts: 3, windowStartedAt: 0, lockedUntil: 520 } })
    expect(countAttempt(third.count, rule, 21).isAllowed).toBe(false)
  })

  it("while locked nothing counts, so that nobody can keep somebody locked out", () => {
    const locked: AttemptCount = { attempts: 3, windowStartedAt: 0, lockedUntil: 520 }
    expect(countAttempt(locked, rule, 519)).toEqual({ isAllowed: false, count: locked })
  })

  it("the end of a lock begins a new window, also inside the old one", () => {
    const locked: AttemptCount = { attempts: 3, windowStartedAt: 0, lockedUntil: 520 }
    expect(countAttempt(locked, rule, 520)).toEqual({
      isAllowed: true,
      count: { attempts: 1, windowStartedAt: 520, lockedUntil: null },
    })
  })

  it("a window ends with its last millisecond, and what was counted in it is over", () => {
    const two: AttemptCount = { attempts: 2, windowStartedAt: 100, lockedUntil: null }
    expect(countAttempt(two, rule, 1_099).count).toEqual({
      attempts: 3,
      windowStartedAt: 100,
      lockedUntil: 1_599,
    })
    expect(countAttempt(two, rule, 1_100).count).toEqual({
      attempts: 1,
      windowStartedAt: 1_100,
      lockedUntil: null,
    })
  })

  it("a limit of one locks with the first attempt", () => {
    const { isAllowed, count } = countAttempt(none, { ...rule, limit: 1 }, 7)
    expect([isAllowed, count.lockedUntil]).toEqual([true, 507])
  })
})
