import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { DurationError, parseDuration } from "./duration.ts"

describe("Go durations", () => {
  it.for([
    ["0", 0],
    ["1h0m0s", 3_600_000],
    ["5m", 300_000],
    ["1.5h", 5_400_000],
    ["1m30s500ms", 90_500],
    [".5s", 500],
    ["1.s", 1_000],
    ["-3s", -3_000],
    ["+3s", 3_000],
    ["100us", 0.1],
    ["100µs", 0.1],
    ["0s", 0],
  ] as const)("%s is %d ms", ([text, ms]) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 9)
  })

  it.for(["", "60", "1d", "1h 5m", "h", ".s", "-", "1hh", "9999999999h", "1e3s"])("%j is refused", (text) => {
    expect(() => parseDuration(text)).toThrow(DurationError)
  })

  it("hours, minutes and seconds add up", () => {
    const small = fc.nat({ max: 5_000 })
    fc.assert(
      fc.property(small, small, small, (h, m, s) => {
        expect(parseDuration(`${h}h${m}m${s}s`)).toBe(h * 3_600_000 + m * 60_000 + s * 1_000)
      }),
    )
  })
})
