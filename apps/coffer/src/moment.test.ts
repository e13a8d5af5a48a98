import { describe, expect, it } from "vitest"
import { parseMoment } from "./moment.ts"

const now = new Date(2026, 2, 10, 12, 0).getTime()
const at = (...parts: [number, number, number, number?, number?]) => ({
  time: new Date(...parts).toISOString(),
})

describe("a moment", () => {
  it.for([
    { text: "1234", moment: { revision: 1234 } },
    { text: "yesterday 14:00", moment: at(2026, 2, 9, 14, 0) },
    { text: "yesterday", moment: at(2026, 2, 9) },
    { text: "today 09:30", moment: at(2026, 2, 10, 9, 30) },
    { text: "2 hours ago", moment: at(2026, 2, 10, 10, 0) },
    { text: "1 day ago", moment: { time: new Date(now - 86_400_000).toISOString() } },
    { text: "2026-03-09 14:00", moment: at(2026, 2, 9, 14, 0) },
    { text: "2026-03-09", moment: at(2026, 2, 9) },
    { text: "2026-03-09T14:00:00Z", moment: { time: "2026-03-09T14:00:00.000Z" } },
  ])("'$text' is understood", ({ text, moment }) => {
    expect(parseMoment("--to", text, now)).toEqual(moment)
  })

  it.for([
    "",
    "soon",
    "yesterday 25:00",
    "2026-13-01",
    "tomorrow",
    "today 23:00",
    "-1",
  ])("'%s' is refused by its flag", (text) => {
    expect(() => parseMoment("--to", text, now)).toThrow(/^--to: /)
  })
})
