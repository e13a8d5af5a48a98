/** Which log a server goes on writing: one that leads to its newest signed head, and no other; on both databases. */
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import type { Writer } from "../../db/database.ts"
import { anEvent } from "../../db/testing/rows.ts"
import { verifyAuditLogs } from "../index.ts"
import { tamper } from "./witnessed-past.ts"

const nothing = { projectIds: [], actorIds: [] }

const sizesOf = async ({ database }: TestStorage) => {
  const rows = await database.reader
    .selectFrom("audit_event")
    .select((eb) => ["log_id", eb.fn.countAll<number>().as("events")])
    .groupBy("log_id")
    .execute()
  return rows.map(({ events }) => events).toSorted((left, right) => left - right)
}

/** Three batches of two events; somebody changes them while the server is away; it comes back and writes one more. */
async function changedMeanwhile(open: OpenTestStorage, change: (db: Writer) => Promise<unknown>) {
  const before = await open()
  for (const batch of [0, 1, 2]) {
    await before.database.record([anEvent(`a${batch}`), anEvent(`b${batch}`)], nothing)
  }
  await tamper(before, change)
  await before.database.close()
  const storage = await open({ sameAs: before, clock: before.clock })
  await storage.database.record([anEvent("late")], nothing)
  return storage
}

export function openingConformance(open: OpenTestStorage): void {
  it("a log that nobody touched is gone on with", async () => {
    const storage = await changedMeanwhile(open, async () => undefined)
    expect(await sizesOf(storage)).toEqual([7])
    expect(storage.log.entries.map(({ level }) => level)).not.toContain("error")
  })

  it.for<{ what: string; change: (db: Writer) => Promise<unknown> }>([
    {
      what: "the signature of the newest head is another one",
      change: (db) =>
        db
          .updateTable("audit_head")
          .set({ signature: Buffer.alloc(64, 1) })
          .where("size", "=", 6)
          .execute(),
    },
    {
      what: "the newest head names another one before it",
      change: (db) => db.updateTable("audit_head").set({ previous_size: 2 }).where("size", "=", 6).execute(),
    },
    { what: "no head is left", change: (db) => db.deleteFrom("audit_head").execute() },
    {
      what: "an event is missing",
      change: (db) => db.deleteFrom("audit_event").where("seq", "=", 3).execute(),
    },
    {
      what: "its place to go on is none of a log",
      change: (db) => db.updateTable("audit_log").set({ snapshot_size: 3 }).execute(),
    },
    {
      what: "it is of another key",
      change: (db) =>
        db
          .updateTable("audit_log")
          .set({ public_key: Buffer.alloc(44) })
          .execute(),
    },
  ])("$what: it is left as it is, a new one is begun, and verification tells", async ({ change }) => {
    const storage = await changedMeanwhile(open, change)
    expect((await sizesOf(storage)).at(0)).toBe(1)
    const report = await verifyAuditLogs(storage.database.reader, storage.keyring.auditPublicKeyBytes)
    expect(report.isIntact).toBe(false)
    expect(report.logs.map(({ size }) => size)).toContain(1)
  })
}
