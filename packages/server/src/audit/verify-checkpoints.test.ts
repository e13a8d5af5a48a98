import { describeDatabase, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { anEvent } from "../db/testing/rows.ts"
import { importAuditPublicKey } from "./audit-head.ts"
import { insertAuditLog } from "./audit-log-store.ts"
import { pruneRowOf } from "./audit-prune.ts"
import { type AuditCheckpoint, createCheckpoint, parseCheckpoint, verifyAuditLogs } from "./index.ts"
import { CompactRange } from "./merkle.ts"
import { isSignedLine } from "./published-heads.ts"
import { findingsOf, nothing, openWithEvents, rowAt, tamper } from "./testing/twelve-events.ts"

describeDatabase("sqlite", "audit verification against checkpoints, and behind a cut", (open) => {
  checkpoints(open)
  pruning(open)
})

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

  it("each head of a checkpoint is the one of its log, and signed by itself", async () => {
    const storage = await openWithEvents(open)
    storage.clock.advance(1_000)
    const publicKey = importAuditPublicKey(storage.keyring.auditPublicKeyBytes)
    const { heads } = await published(storage)
    expect(heads).toMatchObject([{ size: 12, previousSize: 8 }])
    for (const head of heads) expect(isSignedLine({ kind: "head", ...head }, publicKey)).toBe(true)
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
