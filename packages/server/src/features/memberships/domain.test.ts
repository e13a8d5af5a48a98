import { describe, expect, it } from "vitest"
import { memberRoleOf, wantedRoles } from "./domain.ts"

const start = "2026-01-01T00:00:00.000Z"
const temporary = (temporaryRange: string) => ({
  role: "viewer",
  isTemporary: true as const,
  temporaryMode: "relative" as const,
  temporaryRange,
  temporaryAccessStartTime: start,
})

describe("roles of members", () => {
  it.for([
    { range: "30s", seconds: 30 },
    { range: "2h", seconds: 7_200 },
    { range: "1 d", seconds: 86_400 },
    { range: "1y", seconds: 31_536_000 },
  ])("a range of $range ends after $seconds seconds", ({ range, seconds }) => {
    const { temporary: role } = memberRoleOf(temporary(range))
    expect(role?.startsAt).toBe(Date.parse(start))
    expect((role?.endsAt ?? 0) - Date.parse(start)).toBe(seconds * 1_000)
  })

  it("a range of nothing is refused", () => {
    expect(() => memberRoleOf(temporary("0h"))).toThrow("temporaryRange must be a positive duration")
  })

  it("no role asked for is no access", () => {
    expect(wantedRoles({})).toEqual([{ role: "no-access", temporary: null }])
    expect(wantedRoles({ role: "admin" })).toEqual([{ role: "admin", temporary: null }])
  })
})
