import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type ClientSecret, countFailure, isLocked, judgeClientSecret } from "./domain.ts"

function aClientSecret(of: Partial<ClientSecret> = {}): ClientSecret {
  return {
    id: "c1",
    authMethodId: "m1",
    identityId: "i1",
    prefix: "9b1f",
    description: "",
    ttlSeconds: 0,
    uses: 0,
    usesLimit: 0,
    isRevoked: false,
    createdAt: 0,
    updatedAt: 0,
    ...of,
  }
}

describe("a client secret", () => {
  it.for([
    { of: {}, now: 10 ** 12, kind: "usable" },
    { of: { isRevoked: true, ttlSeconds: 1 }, now: 5_000, kind: "revoked" },
    { of: { ttlSeconds: 5 }, now: 4_999, kind: "usable" },
    { of: { ttlSeconds: 5 }, now: 5_000, kind: "expired" },
    { of: { usesLimit: 2, uses: 1 }, now: 0, kind: "usable" },
    { of: { usesLimit: 2, uses: 2 }, now: 0, kind: "used-up" },
  ])("$of at $now is $kind", ({ of, now, kind }) => {
    expect(judgeClientSecret(aClientSecret(of), now)).toEqual({ kind })
  })
})

const settings = { lockoutThreshold: 3, lockoutDurationSeconds: 300, lockoutCounterResetSeconds: 30 }

describe("the lockout rule", () => {
  it("locks at the threshold inside the window, for the duration", () => {
    let count = countFailure(undefined, settings, 0)
    count = countFailure(count, settings, 10_000)
    expect(isLocked(count, 10_000)).toBe(false)
    count = countFailure(count, settings, 29_999)
    expect(isLocked(count, 29_999 + 299_999)).toBe(true)
    expect(isLocked(count, 29_999 + 300_000)).toBe(false)
  })

  it("a failure outside of the window begins a new one", () => {
    const first = countFailure(countFailure(undefined, settings, 0), settings, 1_000)
    expect(countFailure(first, settings, 30_000)).toEqual({
      failures: 1,
      windowStartedAt: 30_000,
      lockedUntil: null,
    })
  })

  it("the end of a lock begins a new window, also inside the old one", () => {
    const brief = { ...settings, lockoutThreshold: 2, lockoutDurationSeconds: 5 }
    const locked = countFailure(countFailure(undefined, brief, 0), brief, 1_000)
    expect(locked.lockedUntil).toBe(6_000)
    expect(countFailure(locked, brief, 5_999)).toMatchObject({ failures: 3, windowStartedAt: 0 })
    expect(countFailure(locked, brief, 6_000)).toEqual({
      failures: 1,
      windowStartedAt: 6_000,
      lockedUntil: null,
    })
  })

  it("failures that are slower than the window never lock", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 15_001, max: 100_000 }), { maxLength: 30 }), (gaps) => {
        let now = 0
        let count = countFailure(undefined, { ...settings, lockoutThreshold: 4 }, now)
        for (const gap of gaps) {
          now += gap
          count = countFailure(count, { ...settings, lockoutThreshold: 4 }, now)
          if (isLocked(count, now)) return false
        }
        return true
      }),
    )
  })
})
