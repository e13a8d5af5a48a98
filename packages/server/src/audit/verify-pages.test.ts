/** Verification of logs that have more heads, events and records of emptied events than are read at a time: 500. */
import { describeDatabase, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { anEvent } from "../db/testing/rows.ts"
import { redactedColumns, redactionRowOf } from "./audit-redaction.ts"
import { findingsOf, nothing, openWithEvents, rowAt, tamper } from "./testing/twelve-events.ts"
import { appendToAnotherLog } from "./testing/witnessed-past.ts"

describeDatabase("sqlite", "audit verification page by page", (open) => {
  manyHeads(open)
  manyRecords(open)
})

function manyHeads(open: OpenTestStorage): void {
  it("goes along every head of a log, also of one that has two full pages of them and a part", async () => {
    const storage = await open()
    for (let seq = 0; seq < 1_004; seq += 1) await storage.database.record([anEvent(`e${seq}`)], nothing)
    expect(await findingsOf(storage)).toEqual([])
    await tamper(storage, async (db) => {
      const sizes = [500, 501, 1_000, 1_001]
      await db.deleteFrom("audit_head").where("size", "in", sizes).execute()
      await db.updateTable("audit_head").set({ at: 17 }).where("size", "=", 1_003).execute()
    })
    // Of heads that are gone in a row the last one is named by the head behind it.
    expect(await findingsOf(storage)).toEqual([
      { kind: "head-removed", seq: 501 },
      { kind: "head-removed", seq: 1_001 },
      { kind: "head-forged", seq: 1_003 },
    ])
  })
}

function manyRecords(open: OpenTestStorage): void {
  /** Every other event is emptied, each by itself. */
  async function openWithEmptied(): Promise<TestStorage> {
    const storage = await open()
    for (let batch = 0; batch < 3; batch += 1) {
      const events = Array.from({ length: 700 }, (_, index) => anEvent(`e${batch * 700 + index}`))
      await storage.database.record(events, nothing)
    }
    const { log_id: logId } = await rowAt(storage, 0)
    const { keyring, clock } = storage
    await tamper(storage, async (db) => {
      for (let seq = 0; seq < 2_008; seq += 2) {
        await db
          .insertInto("audit_redaction")
          .values(redactionRowOf(logId, [seq], clock.now(), keyring))
          .execute()
        await db.updateTable("audit_event").set(redactedColumns).where("seq", "=", seq).execute()
      }
    })
    return storage
  }

  it("knows of every record of emptied events, also where there are two full pages of them and a part", async () => {
    const storage = await openWithEmptied()
    expect(await findingsOf(storage)).toEqual([])
    for (const seq of [998, 1_000, 2_006]) {
      await tamper(storage, (db) => db.deleteFrom("audit_redaction").where("from_seq", "=", seq).execute())
    }
    expect(await findingsOf(storage)).toEqual(
      [998, 1_000, 2_006].map((seq) => ({ kind: "event-edited", seq, eventId: "" })),
    )
  })

  it("knows of which log a record is: it lets no event of another one be empty", async () => {
    const storage = await openWithEvents(open)
    const { log_id: logId } = await rowAt(storage, 0)
    await appendToAnotherLog(storage)
    await tamper(storage, async (db) => {
      const record = redactionRowOf(logId, [2], storage.clock.now(), storage.keyring)
      await db.insertInto("audit_redaction").values(record).execute()
      // In both logs.
      await db.updateTable("audit_event").set(redactedColumns).where("seq", "=", 2).execute()
    })
    expect(await findingsOf(storage)).toEqual([{ kind: "event-edited", seq: 2, eventId: "" }])
  })
}
