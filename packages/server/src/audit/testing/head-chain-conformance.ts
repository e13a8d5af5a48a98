/** The chain of heads in databases that have heads of before there was one, on both databases. */
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import type { AuditHeadTable } from "../../db/schema.ts"
import { anEvent, insertProject } from "../../db/testing/rows.ts"
import { uuidBytes } from "../../uuid.ts"
import { type AuditHead, headBytes, headOfRow } from "../audit-head.ts"
import {
  createCheckpoint,
  exportAuditLogs,
  parseCheckpoint,
  readPublishedHeads,
  runRetention,
  verifyAuditExport,
  verifyAuditLogs,
} from "../index.ts"
import { CompactRange } from "../merkle.ts"
import { removeHead } from "./tampering-changes.ts"
import { tamper } from "./witnessed-past.ts"

const dayMs = 86_400_000
const nothing = { projectIds: [], actorIds: [] }

async function record({ database, clock }: TestStorage, from: number, batches: number) {
  for (let batch = from; batch < from + batches; batch += 1) {
    const events = [0, 1].map((index) => anEvent(`e${batch * 2 + index}`, { at: clock.now() }))
    await database.record(events, nothing)
  }
}

async function headRows({ database }: TestStorage): Promise<AuditHeadTable[]> {
  return database.reader.selectFrom("audit_head").selectAll().orderBy("size").execute()
}

/** A row as it was before heads named the one before them, or with another one. */
function signedAnew({ keyring }: TestStorage, row: AuditHeadTable, previousSize?: number): AuditHeadTable {
  const head: Omit<AuditHead, "signature"> = { ...headOfRow(row), previousSize }
  const signature = keyring.signAuditHead(headBytes(uuidBytes(row.log_id), head))
  return { ...row, previous_size: previousSize ?? null, signature }
}

async function replaceHead(storage: TestStorage, row: AuditHeadTable) {
  await tamper(storage, async (db) => {
    await removeHead(db, row.log_id, row.size)
    await db.insertInto("audit_head").values(row).execute()
  })
}

/** Heads over 2, 4 and 6 events in the older form, and behind a restart over 8 and 10 in the one of today. */
async function openUpgraded(open: OpenTestStorage): Promise<{ storage: TestStorage; logId: string }> {
  const before = await open()
  await record(before, 0, 3)
  for (const row of await headRows(before)) await replaceHead(before, signedAnew(before, row))
  await before.database.close()
  const storage = await open({ sameAs: before, clock: before.clock })
  await record(storage, 3, 2)
  return { storage, logId: (await headRows(storage))[0]?.log_id ?? "" }
}

async function keepEventsForADay(storage: TestStorage) {
  await tamper(storage, async (db) => {
    await insertProject(db)
    await db.updateTable("organization").set({ audit_retention_days: 1 }).execute()
  })
}

/** How many events went. Twice: the first run may only move the snapshot out of the way. */
async function retain({ database, keyring: signer, clock, random, log }: TestStorage): Promise<number> {
  const run = () => runRetention({ database, signer, clock, random, log }, { pauseMs: 0 })
  return (await run()) + (await run())
}

async function findingsOf({ database, keyring }: TestStorage) {
  const { findings } = await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes)
  return findings.map(({ kind, seq }) => ({ kind, seq }))
}

export function headChainConformance(open: OpenTestStorage): void {
  it("goes on from heads of the older form, which still verify", async () => {
    const { storage, logId } = await openUpgraded(open)
    const heads = (await headRows(storage)).map((row) => [row.log_id, row.size, row.previous_size])
    expect(heads).toEqual([
      [logId, 2, null],
      [logId, 4, null],
      [logId, 6, null],
      [logId, 8, 6],
      [logId, 10, 8],
    ])
    const report = await verifyAuditLogs(storage.database.reader, storage.keyring.auditPublicKeyBytes)
    expect(report).toMatchObject({ isIntact: true, eventsChecked: 10, logs: [{ size: 10 }] })
  })

  it("reaches back to the last head of the older form", async () => {
    const { storage, logId } = await openUpgraded(open)
    await tamper(storage, (db) => removeHead(db, logId, 6))
    expect(await findingsOf(storage)).toEqual([{ kind: "head-removed", seq: 6 }])
  })

  it("cannot be led back to the older form, not even with a signature that is right", async () => {
    const { storage } = await openUpgraded(open)
    await record(storage, 5, 1)
    for (const row of (await headRows(storage)).slice(-2))
      await replaceHead(storage, signedAnew(storage, row))
    expect(await findingsOf(storage)).toEqual([
      { kind: "head-added", seq: 10 },
      { kind: "head-added", seq: 12 },
    ])
  })

  it("has no place for a head that is signed, and right, and was put in between", async () => {
    const { storage, logId } = await openUpgraded(open)
    const range = CompactRange.empty()
    const { reader } = storage.database
    const leaves = await reader
      .selectFrom("audit_event")
      .select("leaf_hash")
      .orderBy("seq")
      .limit(9)
      .execute()
    for (const leaf of leaves) range.append(leaf.leaf_hash)
    const row = { log_id: logId, size: 9, previous_size: 8, root_hash: range.root(), at: 17 }
    await replaceHead(storage, signedAnew(storage, { ...row, signature: Buffer.of() }, 8))
    expect(await findingsOf(storage)).toEqual([{ kind: "head-added", seq: 9 }])
  })

  it.for([
    { what: "in between", size: 9, previous_size: 8 },
    { what: "in between, and of the older form", size: 9, previous_size: null },
    { what: "in the place of another one", size: 8, previous_size: 4 },
  ])("a head that nobody signed, put $what, is told, and none of its neighbours is", async (head) => {
    const { storage, logId } = await openUpgraded(open)
    const { size, previous_size } = head
    const forged = { root_hash: Buffer.alloc(32), at: 17, signature: Buffer.alloc(64) }
    await replaceHead(storage, { log_id: logId, size, previous_size, ...forged })
    expect(await findingsOf(storage)).toEqual([{ kind: "head-forged", seq: size }])
  })

  it.for([
    { which: "first", place: 0 },
    { which: "second", place: 1 },
  ])("is not cut by retention where the $which head is missing", async ({ place }) => {
    const storage = await open()
    await keepEventsForADay(storage)
    await record(storage, 0, 3)
    const missing = (await headRows(storage))[place]
    if (missing === undefined) throw new Error("there are heads")
    await tamper(storage, (db) => removeHead(db, missing.log_id, missing.size))
    storage.clock.advance(2 * dayMs)
    expect(await retain(storage)).toBe(0)
    expect(await findingsOf(storage)).toEqual([{ kind: "head-removed", seq: missing.size }])
    await replaceHead(storage, missing)
    expect(await retain(storage)).toBeGreaterThan(0)
    expect((await headRows(storage))[0]?.size).toBeGreaterThan(missing.size)
    expect(await findingsOf(storage)).toEqual([])
  })

  it("is cut by retention among heads of the older form", async () => {
    const { storage } = await openUpgraded(open)
    await keepEventsForADay(storage)
    storage.clock.advance(2 * dayMs)
    expect(await retain(storage)).toBeGreaterThan(0)
    expect((await headRows(storage))[0]?.size).toBeGreaterThan(6)
    expect(await findingsOf(storage)).toEqual([])
  })

  it("shows in what is published, of either form: checkpoints, lines and exports", async () => {
    const { storage, logId } = await openUpgraded(open)
    const { database, keyring } = storage
    const key = keyring.auditPublicKeyBytes
    const upgraded = await createCheckpoint(database.reader, keyring, 1)
    expect(upgraded).toMatchObject({ version: 2, heads: [{ logId, size: 10, previousSize: 8 }] })
    const text = JSON.stringify(upgraded)
    expect(parseCheckpoint(text, key)).toEqual(upgraded)
    const relinked = text.replace('"previousSize":8', '"previousSize":6')
    expect(() => parseCheckpoint(relinked, key)).toThrow(/was changed/)

    await tamper(storage, (db) => db.deleteFrom("audit_event").where("seq", ">=", 6).execute())
    await tamper(storage, (db) => db.deleteFrom("audit_head").where("size", ">", 6).execute())
    const older: string[] = []
    for await (const { line } of exportAuditLogs(database.reader)) older.push(line)
    const head = older.find((line) => line.startsWith('{"kind":"head"'))
    expect(JSON.parse(head ?? "")).not.toHaveProperty("previousSize")
    expect(await verifyAuditExport(older, key)).toMatchObject({ isIntact: true, eventsChecked: 6 })
    expect(await readPublishedHeads(older, key)).toMatchObject([{ logId, size: 6 }])
    const linked = older.map((line) => line.replace('"size":6', '"size":6,"previousSize":4'))
    expect((await verifyAuditExport(linked, key)).findings).toMatchObject([{ kind: "head-forged", seq: 6 }])
  })

  it("a checkpoint that an earlier Coffer wrote is still read", async () => {
    const { storage, logId } = await openUpgraded(open)
    const { keyring } = storage
    const older = (await headRows(storage)).find((row) => row.size === 6)
    const base64 = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("base64")
    const head = {
      logId,
      size: 6,
      rootHash: base64(older?.root_hash),
      at: older?.at,
      signature: base64(older?.signature),
    }
    const unsigned = { version: 1, at: 5, heads: [head] }
    const bytes = Buffer.from(`coffer/audit-checkpoint/1\n${JSON.stringify(unsigned)}`)
    const text = JSON.stringify({ ...unsigned, signature: base64(keyring.signAuditHead(bytes)) })
    const checkpoint = parseCheckpoint(text, keyring.auditPublicKeyBytes)
    expect(checkpoint).toMatchObject(unsigned)
    const report = await verifyAuditLogs(storage.database.reader, keyring.auditPublicKeyBytes, { checkpoint })
    expect(report.isIntact).toBe(true)
    const version2 = text.replace('"version":1', '"version":2')
    expect(() => parseCheckpoint(version2, keyring.auditPublicKeyBytes)).toThrow(/was changed/)
  })
}
