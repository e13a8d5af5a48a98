import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { anEvent } from "../db/testing/rows.ts"
import { oldestEventAt } from "./index.ts"
import { nothing, rowAt } from "./testing/twelve-events.ts"
import { appendToAnotherLog } from "./testing/witnessed-past.ts"

describeDatabase("sqlite", "when the first event of a part of a log happened", (open) => {
  it.for([
    { what: "the whole log", from: 0, before: 3, at: 50 },
    { what: "a part, from its first event on", from: 1, before: 3, at: 40 },
    { what: "one event", from: 2, before: 3, at: 30 },
    { what: "a part that ends where it begins", from: 1, before: 1, at: undefined },
    { what: "a part that only another log has", from: 3, before: 5, at: undefined },
  ])("of $what is told", async ({ from, before, at }) => {
    const storage = await open()
    // The order of the log counts, not that of their times.
    const events = [50, 40, 30].map((time) => anEvent(`at ${time}`, { at: time }))
    await storage.database.record(events, nothing)
    const { log_id: logId } = await rowAt(storage, 0)
    await appendToAnotherLog(storage)
    expect(await oldestEventAt(storage.database.reader, logId, { from, before })).toBe(at)
  })
})
