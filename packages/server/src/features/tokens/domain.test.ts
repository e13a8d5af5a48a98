import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { issuedLifetimeSeconds } from "./domain.ts"

const day = 86_400

describe("lifetime of a token", () => {
  it.for([
    { does: "is the configured one", limits: [3_600, 86_400, 0], age: 0, ceiling: 90 * day, seconds: 3_600 },
    {
      does: "is what is left of the budget",
      limits: [3_600, 5_000, 0],
      age: 4_000,
      ceiling: 0,
      seconds: 1_000,
    },
    { does: "ends with the budget", limits: [3_600, 5_000, 0], age: 5_000, ceiling: 0, seconds: undefined },
    {
      does: "is the ceiling when nothing else is set",
      limits: [0, 0, 0],
      age: 0,
      ceiling: 90 * day,
      seconds: 90 * day,
    },
    { does: "is for ever without any limit", limits: [0, 0, 0], age: 100, ceiling: 0, seconds: 0 },
    {
      does: "is the period, whatever the budget",
      limits: [3_600, 60, 600],
      age: 9_999,
      ceiling: 0,
      seconds: 600,
    },
    { does: "is cut by the ceiling", limits: [3_600, 0, 0], age: 0, ceiling: 60, seconds: 60 },
  ])("$does", ({ limits, age, ceiling, seconds }) => {
    const [ttlSeconds = 0, maxTtlSeconds = 0, periodSeconds = 0] = limits
    const at = { createdAt: 0, now: age * 1_000, ceilingSeconds: ceiling }
    expect(issuedLifetimeSeconds({ ttlSeconds, maxTtlSeconds, periodSeconds }, at)).toBe(seconds)
  })

  it("never reaches beyond the budget or the ceiling", () => {
    const seconds = fc.integer({ min: 0, max: 1_000_000 })
    fc.assert(
      fc.property(seconds, seconds, seconds, seconds, (ttlSeconds, maxTtlSeconds, age, ceilingSeconds) => {
        const limits = { ttlSeconds, maxTtlSeconds, periodSeconds: 0 }
        const lifetime = issuedLifetimeSeconds(limits, { createdAt: 0, now: age * 1_000, ceilingSeconds })
        if (lifetime === undefined) return maxTtlSeconds > 0 && age >= maxTtlSeconds
        const end = lifetime === 0 ? Number.POSITIVE_INFINITY : age + lifetime
        if (maxTtlSeconds > 0 && end > maxTtlSeconds) return false
        return ceilingSeconds === 0 || (lifetime > 0 && lifetime <= ceilingSeconds)
      }),
    )
  })
})
