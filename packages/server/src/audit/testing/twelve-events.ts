/** What the tests of verification share: a log of twelve events, changes of it, and what verification finds. */
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { expect } from "vitest"
import type { Writer } from "../../db/database.ts"
import { anEvent } from "../../db/testing/rows.ts"
import { type AuditCheckpoint, verifyAuditLogs } from "../index.ts"

export const nothing = { projectIds: [], actorIds: [] }

/** Twelve events in three batches of four: e0 to e11. */
export async function openWithEvents(open: OpenTestStorage): Promise<TestStorage> {
  const storage = await open()
  for (let batch = 0; batch < 3; batch++) {
    const events = [0, 1, 2, 3].map((index) => anEvent(`e${batch * 4 + index}`))
    await storage.database.record(events, nothing)
  }
  return storage
}

export async function tamper(
  { database }: TestStorage,
  change: (db: Writer) => Promise<unknown>,
): Promise<void> {
  await database.write(({ db }) => change(db))
}

export async function findingsOf({ database, keyring }: TestStorage, checkpoint?: AuditCheckpoint) {
  const options = checkpoint === undefined ? {} : { checkpoint }
  const report = await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes, options)
  expect(report.isIntact).toBe(report.findings.length === 0)
  return report.findings.map(({ kind, seq, eventId }) => {
    return eventId === undefined ? { kind, seq } : { kind, seq, eventId }
  })
}

export async function rowAt({ database }: TestStorage, seq: number) {
  return database.reader
    .selectFrom("audit_event")
    .selectAll()
    .where("seq", "=", seq)
    .executeTakeFirstOrThrow()
}
