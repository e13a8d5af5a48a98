/**
 * Everything that somebody with access to the database can do to a log that has a past: batches of several sizes, a
 * restart, events that retention removed and events that it emptied, and a second log beside it.
 */
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { expect } from "vitest"
import type { Writer } from "../../db/database.ts"
import type { Schema } from "../../db/schema.ts"
import { anEvent, insertProject } from "../../db/testing/rows.ts"
import type { AuditEvent } from "../audit-event.ts"
import { insertAuditLog } from "../audit-log-store.ts"
import { pendingEventOf } from "../audit-record.ts"
import { type AuditCheckpoint, runRetention, verifyAuditLogs } from "../index.ts"

const dayMs = 86_400_000
const nothing = { projectIds: [], actorIds: [] }

export const tables = ["audit_log", "audit_event", "audit_head", "audit_prune", "audit_redaction"] as const
type Table = (typeof tables)[number]
type Row = Record<string, unknown>
export type Snapshot = Readonly<Record<Table, readonly Row[]>>

/** A log with a past, and where its interesting places are. */
export type Witnessed = {
  readonly storage: TestStorage
  readonly logId: string
  readonly otherLogId: string
  /** A batch of four events and the two around it: sequence numbers of its first and its last event. */
  readonly first: number
  readonly last: number
  /** Where the log begins, behind what retention removed. */
  readonly start: number
  readonly end: number
  /** An event that retention emptied. */
  readonly emptied: number
  readonly original: Snapshot
}

export type Found = { readonly kind: string; readonly logId?: string; readonly seq?: number | undefined }

/** What somebody may do. */
export type Change = {
  readonly what: string
  readonly change: (db: Writer, at: Witnessed) => Promise<unknown>
  /** Whether `finds` is all; some of it otherwise. */
  readonly only?: true
  readonly finds: (at: Witnessed) => readonly Found[]
}

export const event = (db: Writer, logId: string, seq: number) =>
  db.updateTable("audit_event").where("log_id", "=", logId).where("seq", "=", seq)

async function record({ database, clock }: TestStorage, sizes: readonly number[], prefix: string) {
  let number = 0
  for (const size of sizes) {
    const events = Array.from({ length: size }, () => {
      const projectId = number % 2 === 0 ? "project-1" : "project-2"
      number += 1
      return anEvent(`${prefix}${number}`, { at: clock.now(), projectId })
    })
    await database.record(events, nothing)
  }
}

/** Builds the past and leaves the storage open. */
export async function aWitnessedPast(open: OpenTestStorage): Promise<Witnessed> {
  const before = await open()
  await before.database.write(async ({ db }) => {
    await insertProject(db)
    await insertProject(db, "project-2")
    await db.updateTable("organization").set({ audit_retention_days: 90 }).execute()
    await db.updateTable("project").set({ audit_retention_days: 30 }).where("id", "=", "project-1").execute()
  })
  await record(before, [3, 3, 2], "old")
  before.clock.advance(70 * dayMs)
  await record(before, [3, 1, 4], "middle")
  before.clock.advance(31 * dayMs)
  const { database, keyring: signer, clock, random, log } = before
  for (let run = 0; run < 3; run += 1) {
    await runRetention({ database, signer, clock, random, log }, { sliceSize: 4, pauseMs: 0 })
  }
  await before.database.close()
  const storage = await open({ sameAs: before, clock })
  await record(storage, [2, 4, 1, 5], "new")
  const [logId = ""] = await logIds(storage)
  await appendToAnotherLog(storage)
  const otherLogId = (await logIds(storage)).find((id) => id !== logId) ?? ""
  return { storage, logId, otherLogId, ...(await placesOf(storage, logId)), original: await dump(storage) }
}

async function logIds({ database }: TestStorage): Promise<string[]> {
  return (await database.reader.selectFrom("audit_log").select("id").execute()).map((row) => row.id)
}

/** A second log, as another process on the same database has one: five events. */
export async function appendToAnotherLog(
  { database, keyring: signer, clock, random }: TestStorage,
  ofEvent: (seq: number) => Partial<AuditEvent> = () => ({}),
): Promise<void> {
  await database.write(async ({ db }) => {
    const input = { id: random.uuid(), signer, lease: undefined, now: clock.now() - 1 }
    const log = await insertAuditLog(db, input)
    for (const size of [2, 3]) {
      const seqs = Array.from({ length: size }, (_, index) => log.size + index)
      const events = seqs.map((seq) => anEvent(`other ${seq}`, ofEvent(seq)))
      const append = log.prepare(events.map(pendingEventOf), clock.now())
      for (const record of append.records) {
        const { seq, id, at, type, orgId, projectId, actorType, actorId, body, leafHash } = record
        const derived = { org_id: orgId, project_id: projectId, actor_type: actorType, actor_id: actorId }
        await db
          .insertInto("audit_event")
          .values({ log_id: log.id, seq, id, at, type, ...derived, body, leaf_hash: leafHash })
          .execute()
      }
      const { size: headSize, previousSize, rootHash, at, signature } = append.head
      await db
        .insertInto("audit_head")
        .values({
          log_id: log.id,
          size: headSize,
          previous_size: previousSize ?? null,
          root_hash: rootHash,
          at,
          signature,
        })
        .execute()
      log.adopt(append)
    }
  })
}

async function placesOf({ database: { reader } }: TestStorage, logId: string) {
  const heads = await reader
    .selectFrom("audit_head")
    .select("size")
    .where("log_id", "=", logId)
    .orderBy("size")
    .execute()
  const sizes = heads.map((head) => head.size)
  const end = sizes.at(-1) ?? 0
  const prune = await reader.selectFrom("audit_prune").select("size").executeTakeFirstOrThrow()
  const emptied = await reader
    .selectFrom("audit_event")
    .select("seq")
    .where("body", "=", "")
    .orderBy("seq")
    .executeTakeFirstOrThrow()
  // The batches of after the restart are 2, 4, 1 and 5 events.
  return { first: end - 10, last: end - 7, start: prune.size, end, emptied: emptied.seq }
}

async function dump({ database }: TestStorage): Promise<Snapshot> {
  const entries = await Promise.all(
    tables.map(async (table) => [table, await database.reader.selectFrom(table).selectAll().execute()]),
  )
  return Object.fromEntries(entries) as Snapshot
}

export async function restore({ storage, original }: Witnessed): Promise<void> {
  await tamper(storage, async (db) => {
    for (const table of tables) {
      await db.deleteFrom(table).execute()
      const rows = original[table] as Schema[typeof table][]
      for (const row of rows) await db.insertInto(table).values(row).execute()
    }
  })
}

export async function tamper({ database }: TestStorage, change: (db: Writer) => Promise<unknown>) {
  await database.write(({ db }) => change(db))
}

export async function findingsOf({ storage }: Witnessed, checkpoint?: AuditCheckpoint): Promise<Found[]> {
  const { database, keyring } = storage
  const options = checkpoint === undefined ? {} : { checkpoint }
  const report = await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes, options)
  expect(report.isIntact).toBe(report.findings.length === 0)
  for (const { message, logId, seq } of report.findings) {
    expect(message).toContain(logId)
    if (seq !== undefined && !message.includes("checkpoint")) expect(message).toContain(String(seq))
  }
  return report.findings.map(({ kind, logId, seq }) => ({ kind, logId, seq }))
}
