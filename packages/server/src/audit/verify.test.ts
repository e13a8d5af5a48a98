import { describeDatabase, type OpenTestStorage } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import type { Writer } from "../db/database.ts"
import { anEvent } from "../db/testing/rows.ts"
import { uuidBytes } from "../uuid.ts"
import { leafHash } from "./audit-record.ts"
import { verifyAuditLogs } from "./index.ts"
import { findingsOf, nothing, openWithEvents, rowAt, tamper } from "./testing/twelve-events.ts"

describeDatabase("sqlite", "audit verification", (open) => {
  tamperedRows(open)
  tamperedHeads(open)
})

function tamperedRows(open: OpenTestStorage): void {
  it("an untouched log is intact", async () => {
    const storage = await openWithEvents(open)
    const report = await verifyAuditLogs(storage.database.reader, storage.keyring.auditPublicKeyBytes)
    expect(report).toMatchObject({ isIntact: true, eventsChecked: 12, findings: [], findingsLeftOut: 0 })
    expect(report.logs).toMatchObject([{ size: 12, pruned: 0 }])
  })

  it("one changed byte is found and the event named", async () => {
    const storage = await openWithEvents(open)
    const { body } = await rowAt(storage, 5)
    const edited = body.replace("127.0.0.1", "127.0.0.2")
    await tamper(storage, (db) =>
      db.updateTable("audit_event").set({ body: edited }).where("seq", "=", 5).execute(),
    )
    expect(await findingsOf(storage)).toEqual([{ kind: "event-edited", seq: 5, eventId: "e5" }])
  })

  it("a changed byte is found even when its leaf hash was made to fit", async () => {
    const storage = await openWithEvents(open)
    const { body, log_id } = await rowAt(storage, 5)
    const edited = body.replace("127.0.0.1", "127.0.0.2")
    const leaf = leafHash(uuidBytes(log_id), 5, edited)
    await tamper(storage, (db) =>
      db.updateTable("audit_event").set({ body: edited, leaf_hash: leaf }).where("seq", "=", 5).execute(),
    )
    expect(await findingsOf(storage)).toEqual([{ kind: "events-changed", seq: 4 }])
  })

  it("a changed leaf hash alone is found and the event named", async () => {
    const storage = await openWithEvents(open)
    await tamper(storage, (db) =>
      db
        .updateTable("audit_event")
        .set({ leaf_hash: Buffer.alloc(32) })
        .where("seq", "=", 6)
        .execute(),
    )
    expect(await findingsOf(storage)).toEqual([{ kind: "event-edited", seq: 6, eventId: "e6" }])
  })

  it.for([0, 5, 7, 11])("a removed row %i is found and named", async (seq) => {
    const storage = await openWithEvents(open)
    await tamper(storage, (db) => db.deleteFrom("audit_event").where("seq", "=", seq).execute())
    expect(await findingsOf(storage)).toEqual([{ kind: "event-removed", seq }])
  })

  it("two swapped rows are both found and named", async () => {
    const storage = await openWithEvents(open)
    await tamper(storage, async (db) => {
      const move = (from: number, to: number) =>
        db.updateTable("audit_event").set({ seq: to }).where("seq", "=", from).execute()
      await move(5, 99)
      await move(6, 5)
      await move(99, 6)
    })
    expect(await findingsOf(storage)).toEqual([
      { kind: "event-moved", seq: 5, eventId: "e6" },
      { kind: "event-moved", seq: 6, eventId: "e5" },
      { kind: "events-changed", seq: 4 },
    ])
  })

  it.for([
    { column: "actor_id", change: { actor_id: "somebody-else" } },
    { column: "type", change: { type: "get-secrets" } },
    { column: "project_id", change: { project_id: null } },
    { column: "at", change: { at: 1 } },
    { column: "id", change: { id: "another" } },
  ])("a column $column that no longer agrees with its body is found", async ({ change }) => {
    const storage = await openWithEvents(open)
    await tamper(storage, (db) => db.updateTable("audit_event").set(change).where("seq", "=", 2).execute())
    expect(await findingsOf(storage)).toEqual([
      { kind: "columns-differ", seq: 2, eventId: (await rowAt(storage, 2)).id },
    ])
  })

  it("a body that is not one of ours is found", async () => {
    const storage = await openWithEvents(open)
    await tamper(storage, (db) =>
      db.updateTable("audit_event").set({ body: "{" }).where("seq", "=", 2).execute(),
    )
    expect(await findingsOf(storage)).toEqual([{ kind: "event-edited", seq: 2, eventId: "e2" }])
  })

  it("rows are still checked one by one after the first change", async () => {
    const storage = await openWithEvents(open)
    await tamper(storage, async (db) => {
      await db.deleteFrom("audit_event").where("seq", "=", 1).execute()
      await db.updateTable("audit_event").set({ body: "{}" }).where("seq", "=", 9).execute()
    })
    expect(await findingsOf(storage)).toEqual([
      { kind: "event-removed", seq: 1 },
      { kind: "event-edited", seq: 9, eventId: "e9" },
    ])
  })

  it("no single change of a row goes unnoticed", async () => {
    const storage = await openWithEvents(open)
    const original = await storage.database.reader
      .selectFrom("audit_event")
      .selectAll()
      .orderBy("seq")
      .execute()
    const restore = async (db: Writer) => {
      await db.deleteFrom("audit_event").execute()
      await db.insertInto("audit_event").values(original).execute()
    }
    const character = fc.tuple(fc.nat(), fc.constantFrom("0", "x", " ", "é"))
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 11 }), fc.option(character), async (seq, change) => {
        const { body } = await rowAt(storage, seq)
        const at = (change?.[0] ?? 0) % body.length
        const edited = change === null ? undefined : body.slice(0, at) + change[1] + body.slice(at + 1)
        fc.pre(edited !== body)
        await tamper(storage, (db) =>
          edited === undefined
            ? db.deleteFrom("audit_event").where("seq", "=", seq).execute()
            : db.updateTable("audit_event").set({ body: edited }).where("seq", "=", seq).execute(),
        )
        const findings = await findingsOf(storage)
        expect(findings.map((finding) => finding.seq)).toContain(seq)
        await tamper(storage, restore)
      }),
      { numRuns: 60 },
    )
    expect(await findingsOf(storage)).toEqual([])
  })

  it("edited events are all named, however many there are", async () => {
    const storage = await openWithEvents(open)
    for (let batch = 3; batch < 30; batch += 1) {
      const events = [0, 1, 2, 3].map((index) => anEvent(`e${batch * 4 + index}`))
      await storage.database.record(events, nothing)
    }
    await tamper(storage, (db) => db.updateTable("audit_event").set({ body: "{}" }).execute())
    const seqs = Array.from({ length: 120 }, (_, seq) => seq)
    expect(await findingsOf(storage)).toEqual(
      seqs.map((seq) => ({ kind: "event-edited", seq, eventId: `e${seq}` })),
    )
  })

  it("a row that was added behind the newest head is found", async () => {
    const storage = await openWithEvents(open)
    const row = await rowAt(storage, 11)
    await tamper(storage, (db) =>
      db
        .insertInto("audit_event")
        .values({ ...row, seq: 12 })
        .execute(),
    )
    expect(await findingsOf(storage)).toEqual([{ kind: "events-unsigned", seq: 12 }])
  })
}

function tamperedHeads(open: OpenTestStorage): void {
  it("a head with a wrong signature, root, size or time is found", async () => {
    const changes = [
      { signature: Buffer.alloc(64) },
      { signature: Buffer.alloc(3) },
      { root_hash: Buffer.alloc(32) },
      { size: 7 },
      { at: 1 },
    ]
    for (const change of changes) {
      const storage = await openWithEvents(open)
      await tamper(storage, (db) => db.updateTable("audit_head").set(change).where("size", "=", 8).execute())
      const forged = { kind: "head-forged", seq: "size" in change ? 7 : 8 }
      const removed = { kind: "head-removed", seq: 8 }
      expect(await findingsOf(storage)).toEqual("size" in change ? [forged, removed] : [forged])
    }
  })

  it("a log under another key is found", async () => {
    const storage = await openWithEvents(open)
    const other = await open()
    const report = await verifyAuditLogs(storage.database.reader, other.keyring.auditPublicKeyBytes)
    expect(report.findings.map((finding) => finding.kind)).toContain("key-differs")
    expect(report.findings.filter((finding) => finding.kind === "head-forged")).toHaveLength(3)
  })

  it("events whose log has no entry are found", async () => {
    const storage = await openWithEvents(open)
    await tamper(storage, (db) => db.deleteFrom("audit_log").execute())
    expect(await findingsOf(storage)).toEqual([{ kind: "log-missing" }])
  })
}
