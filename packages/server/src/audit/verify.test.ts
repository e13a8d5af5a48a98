import { describeDatabase, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import type { Writer } from "../db/database.ts"
import { anEvent } from "../db/testing/rows.ts"
import { uuidBytes } from "../uuid.ts"
import { insertAuditLog } from "./audit-log-store.ts"
import { pruneRowOf } from "./audit-prune.ts"
import { leafHash } from "./audit-record.ts"
import { type AuditCheckpoint, createCheckpoint, parseCheckpoint, verifyAuditLogs } from "./index.ts"
import { CompactRange } from "./merkle.ts"

const nothing = { projectIds: [], actorIds: [] }

describeDatabase("sqlite", "audit verification", (open) => {
  tamperedRows(open)
  tamperedHeads(open)
  checkpoints(open)
  pruning(open)
})

/** Twelve events in three batches of four: e0 to e11. */
async function openWithEvents(open: OpenTestStorage): Promise<TestStorage> {
  const storage = await open()
  for (let batch = 0; batch < 3; batch++) {
    const events = [0, 1, 2, 3].map((index) => anEvent(`e${batch * 4 + index}`))
    await storage.database.record(events, nothing)
  }
  return storage
}

async function tamper({ database }: TestStorage, change: (db: Writer) => Promise<unknown>): Promise<void> {
  await database.write(({ db }) => change(db))
}

async function findingsOf({ database, keyring }: TestStorage, checkpoint?: AuditCheckpoint) {
  const options = checkpoint === undefined ? {} : { checkpoint }
  const report = await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes, options)
  expect(report.isIntact).toBe(report.findings.length === 0)
  return report.findings.map(({ kind, seq, eventId }) => {
    return eventId === undefined ? { kind, seq } : { kind, seq, eventId }
  })
}

async function rowAt({ database }: TestStorage, seq: number) {
  return database.reader
    .selectFrom("audit_event")
    .selectAll()
    .where("seq", "=", seq)
    .executeTakeFirstOrThrow()
}

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
  }, 60_000)

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

function checkpoints(open: OpenTestStorage): void {
  const cutTo = (storage: TestStorage, size: number) =>
    tamper(storage, async (db) => {
      await db.deleteFrom("audit_event").where("seq", ">=", size).execute()
      await db.deleteFrom("audit_head").where("size", ">", size).execute()
    })

  async function published(storage: TestStorage): Promise<AuditCheckpoint> {
    const { database, keyring, clock } = storage
    const file = JSON.stringify(await createCheckpoint(database.reader, keyring, clock.now()))
    return parseCheckpoint(file, keyring.auditPublicKeyBytes)
  }

  it("a cut newest end is found against a checkpoint, and only against one", async () => {
    const storage = await openWithEvents(open)
    const checkpoint = await published(storage)
    await cutTo(storage, 8)
    expect(await findingsOf(storage)).toEqual([])
    expect(await findingsOf(storage, checkpoint)).toEqual([{ kind: "log-cut", seq: 8 }])
  })

  it("a log that grew since the checkpoint is intact", async () => {
    const storage = await openWithEvents(open)
    const checkpoint = await published(storage)
    await storage.database.record([anEvent("e12")], nothing)
    expect(await findingsOf(storage, checkpoint)).toEqual([])
  })

  it("a log that was cut and continued otherwise is found", async () => {
    const storage = await openWithEvents(open)
    const checkpoint = await published(storage)
    await cutTo(storage, 8)
    await storage.database.close()
    const again = await open({ sameAs: storage })
    await again.database.record(
      [8, 9, 10, 11].map((index) => anEvent(`other ${index}`)),
      nothing,
    )
    expect(await findingsOf(again)).toEqual([])
    expect(await findingsOf(again, checkpoint)).toEqual([{ kind: "log-replaced", seq: 0 }])
  })

  it("a log that is gone is found against a checkpoint", async () => {
    const storage = await openWithEvents(open)
    const checkpoint = await published(storage)
    await tamper(storage, async (db) => {
      await db.deleteFrom("audit_event").execute()
      await db.deleteFrom("audit_head").execute()
      await db.deleteFrom("audit_log").execute()
    })
    expect(await findingsOf(storage, checkpoint)).toEqual([{ kind: "log-missing" }])
  })

  it("a checkpoint holds every log that has a head, also behind one that has none", async () => {
    const storage = await openWithEvents(open)
    const { keyring: signer, clock } = storage
    const id = "00000000-0000-4000-8000-000000000000"
    await tamper(storage, (db) => insertAuditLog(db, { id, signer, lease: undefined, now: clock.now() }))
    const { log_id: logId } = await rowAt(storage, 0)
    expect((await published(storage)).heads).toMatchObject([{ logId, size: 12 }])
  })

  it("a checkpoint that was changed, or that another instance signed, is refused", async () => {
    const storage = await openWithEvents(open)
    const checkpoint = await published(storage)
    const key = storage.keyring.auditPublicKeyBytes
    const changed = JSON.stringify({ ...checkpoint, at: checkpoint.at + 1 })
    expect(() => parseCheckpoint(changed, key)).toThrow(/of another database, or was changed/)
    const [head] = checkpoint.heads
    if (head === undefined) throw new Error("there is a log")
    const other32 = Buffer.alloc(32, 1).toString("base64")
    for (const of of [
      { logId: "00112233-4455-4677-8899-aabbccddeeff" },
      ...[{ size: 11 }, { previousSize: 7 }, { rootHash: other32 }, { at: 17 }, { signature: other32 }],
    ]) {
      const text = JSON.stringify({ ...checkpoint, heads: [{ ...head, ...of }] })
      expect(() => parseCheckpoint(text, key), text).toThrow(/of another database, or was changed/)
    }
    const more = JSON.stringify({ ...checkpoint, heads: [head, head] })
    expect(() => parseCheckpoint(more, key)).toThrow(/of another database, or was changed/)
    expect(() => parseCheckpoint("{}", key)).toThrow(/not one that Coffer wrote/)
    expect(() => parseCheckpoint("no json", key)).toThrow(/not one that Coffer wrote/)
    const other = await open()
    expect(() => parseCheckpoint(JSON.stringify(checkpoint), other.keyring.auditPublicKeyBytes)).toThrow(
      /of another database/,
    )
  })
}

function pruning(open: OpenTestStorage): void {
  async function prune(storage: TestStorage, size: number): Promise<void> {
    const { database, keyring, clock } = storage
    const rows = await database.reader
      .selectFrom("audit_event")
      .selectAll()
      .where("seq", "<", size)
      .orderBy("seq")
      .execute()
    const range = CompactRange.empty()
    for (const row of rows) range.append(row.leaf_hash)
    const { log_id: logId } = await rowAt(storage, 0)
    await tamper(storage, async (db) => {
      await db
        .insertInto("audit_prune")
        .values(pruneRowOf(logId, range, clock.now(), keyring))
        .execute()
      await db.deleteFrom("audit_event").where("seq", "<", size).execute()
      await db.deleteFrom("audit_head").where("size", "<", size).execute()
      const snapshot = { snapshot_size: size, snapshot_range: range.toBytes() }
      await db.updateTable("audit_log").set(snapshot).execute()
    })
  }

  it("what remains of a pruned log verifies", async () => {
    const storage = await openWithEvents(open)
    await prune(storage, 4)
    const report = await verifyAuditLogs(storage.database.reader, storage.keyring.auditPublicKeyBytes)
    expect(report).toMatchObject({ isIntact: true, eventsChecked: 8, logs: [{ size: 12, pruned: 4 }] })
  })

  it("a change in what remains of a pruned log is found", async () => {
    const storage = await openWithEvents(open)
    await prune(storage, 4)
    await tamper(storage, (db) => db.deleteFrom("audit_event").where("seq", "=", 6).execute())
    expect(await findingsOf(storage)).toEqual([{ kind: "event-removed", seq: 6 }])
  })

  it("a head that comes back before the first event is found", async () => {
    const storage = await openWithEvents(open)
    const head = await storage.database.reader
      .selectFrom("audit_head")
      .selectAll()
      .where("size", "=", 4)
      .executeTakeFirstOrThrow()
    await prune(storage, 8)
    expect(await findingsOf(storage)).toEqual([])
    await tamper(storage, (db) => db.insertInto("audit_head").values(head).execute())
    expect(await findingsOf(storage)).toEqual([{ kind: "head-forged", seq: 4 }])
  })

  it("a checkpoint is compared where the log was cut, and said to prove nothing before that place", async () => {
    const storage = await openWithEvents(open)
    const { database, keyring } = storage
    const { log_id: logId } = await rowAt(storage, 0)
    await prune(storage, 8)
    const report = (size: number) => {
      const rootHash = Buffer.alloc(32, 1).toString("base64")
      const checkpoint = { heads: [{ logId, size, rootHash }] }
      return verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes, { checkpoint })
    }
    for (const size of [8, 9, 12]) {
      expect(await report(size)).toMatchObject({ findings: [{ kind: "log-replaced", seq: 0 }], notes: [] })
    }
    const note = `log ${logId}: the checkpoint has 7 events; retention removed the first 8, so it proves nothing here`
    expect(await report(7)).toMatchObject({ isIntact: true, notes: [note] })
  })

  it("removed events that only claim to be pruned are found", async () => {
    const storage = await openWithEvents(open)
    await prune(storage, 4)
    await tamper(storage, (db) => db.updateTable("audit_prune").set({ at: 1 }).execute())
    expect(await findingsOf(storage)).toEqual([{ kind: "prune-forged" }, { kind: "event-removed", seq: 0 }])
  })
}
