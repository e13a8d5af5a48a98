import { describe, expect, it } from "vitest"
import { lastingRules, memberRoleOf, temporaryAccessOf, wantedRoles } from "./domain.ts"

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
    { range: "3m", seconds: 180 },
    { range: "1 d", seconds: 86_400 },
    { range: "2w", seconds: 1_209_600 },
    { range: "1y", seconds: 31_536_000 },
  ])("a range of $range ends after $seconds seconds", ({ range, seconds }) => {
    const { temporary: role } = memberRoleOf(temporary(range))
    expect(role?.startsAt).toBe(Date.parse(start))
    expect((role?.endsAt ?? 0) - Date.parse(start)).toBe(seconds * 1_000)
  })

  it("a range of nothing is refused", () => {
    for (const range of ["0h", "", "h", "-1h", "1", "1x", "1h1m"]) {
      expect(() => memberRoleOf(temporary(range))).toThrow("temporaryRange must be a positive duration")
    }
    const never = { ...temporary("1h"), temporaryAccessStartTime: "soon" }
    expect(() => temporaryAccessOf(never)).toThrow("temporaryRange must be a positive duration")
  })

  it("a role that is not temporary has no end, whatever else was sent", () => {
    expect(memberRoleOf({ role: "viewer", isTemporary: false })).toEqual({ role: "viewer", temporary: null })
  })

  it("of what ends by itself only the allows are counted on: its denies end with it", () => {
    const allow = { subject: "secrets", action: "edit" } as const
    const rules = [allow, { ...allow, inverted: true }]
    expect(lastingRules(rules, null)).toEqual(rules)
    expect(lastingRules(rules, memberRoleOf(temporary("1h")).temporary)).toEqual([allow])
  })

  it("no role asked for is no access", () => {
    expect(wantedRoles({})).toEqual([{ role: "no-access", temporary: null }])
    expect(wantedRoles({ role: "admin" })).toEqual([{ role: "admin", temporary: null }])
    const roles = [{ role: "viewer", isTemporary: false as const }]
    expect(wantedRoles({ role: "admin", roles })).toEqual([{ role: "viewer", temporary: null }])
  })
})
