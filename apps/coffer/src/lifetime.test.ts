import { describe, expect, it } from "vitest"
import { parseLifetime } from "./lifetime.ts"

describe("a lifetime", () => {
  it.for([
    ["0", 0],
    ["3600", 3_600],
    ["60s", 60],
    ["30m", 1_800],
    ["12h", 43_200],
    [" 90d ", 7_776_000],
    ["3650d", 315_360_000],
  ] as const)("%s is %i seconds", ([text, seconds]) => {
    expect(parseLifetime("--ttl", text)).toBe(seconds)
  })

  it.for([
    "",
    "d",
    "-1",
    "1.5h",
    "1 month",
    "1w",
    "1h30m",
    "3651d",
    "315360001",
    "9999999999",
  ])("%j is refused by the name of its flag", (text) => {
    expect(() => parseLifetime("--ttl", text)).toThrow(/^--ttl: expected a lifetime such as 90d/)
  })
})
