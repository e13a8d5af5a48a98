/** Verification against whatever somebody with access to the database can do, on both databases. */
import type { OpenTestStorage } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import { type AuditCheckpoint, createCheckpoint, parseCheckpoint } from "../index.ts"
import { changes, removeEvents, removeHead } from "./tampering-changes.ts"
import {
  aWitnessedPast,
  event,
  findingsOf,
  restore,
  type Snapshot,
  tables,
  tamper,
  type Witnessed,
} from "./witnessed-past.ts"

/** What is done to one row or two, on both databases. */
export function rowTamperingConformance(open: OpenTestStorage): void {
  it("a log with a past is intact while nobody touched it", async () => {
    const past = await aWitnessedPast(open)
    expect(await findingsOf(past)).toEqual([])
    expect(past.start).toBeGreaterThan(0)
    expect(past.emptied).toBeGreaterThanOrEqual(past.start)
  })

  it.for(
    Object.keys(changes),
  )("every change of $0 is found, and the log and the event are named", async (of) => {
    const past = await aWitnessedPast(open)
    for (const { what, change, finds, only } of changes[of] ?? []) {
      await tamper(past.storage, (db) => change(db, past))
      const found = await findingsOf(past)
      for (const finding of finds(past)) expect(found, what).toContainEqual(finding)
      if (only) expect(found, what).toHaveLength(finds(past).length)
      await restore(past)
    }
    expect(await findingsOf(past)).toEqual([])
  })
}

/** What needs a head that was kept elsewhere. */
export function checkpointConformance(open: OpenTestStorage): void {
  async function published({ storage }: Witnessed): Promise<AuditCheckpoint> {
    const { database, keyring, clock } = storage
    const text = JSON.stringify(await createCheckpoint(database.reader, keyring, clock.now()))
    return parseCheckpoint(text, keyring.auditPublicKeyBytes)
  }

  it("a log that is cut at its newest end with its head is found against a checkpoint, and only so", async () => {
    const past = await aWitnessedPast(open)
    const checkpoint = await published(past)
    const { logId, last } = past
    await tamper(past.storage, async (db) => {
      await removeEvents(db, logId, last + 1, 9_999)
      await db
        .deleteFrom("audit_head")
        .where("log_id", "=", logId)
        .where("size", ">", last + 1)
        .execute()
    })
    expect(await findingsOf(past)).toEqual([])
    expect(await findingsOf(past, checkpoint)).toEqual([{ kind: "log-cut", logId, seq: last + 1 }])
  })

  it("a log that is gone with everything of it is found against a checkpoint, and only so", async () => {
    const past = await aWitnessedPast(open)
    const checkpoint = await published(past)
    const { otherLogId } = past
    await tamper(past.storage, async (db) => {
      await db.deleteFrom("audit_log").where("id", "=", otherLogId).execute()
      await db.deleteFrom("audit_event").where("log_id", "=", otherLogId).execute()
      await db.deleteFrom("audit_head").where("log_id", "=", otherLogId).execute()
    })
    expect(await findingsOf(past)).toEqual([])
    const found = await findingsOf(past, checkpoint)
    expect(found).toEqual([{ kind: "log-missing", logId: otherLogId, seq: undefined }])
  })

  it("an older head that is removed takes no evidence away: the next one signs the same events", async () => {
    const past = await aWitnessedPast(open)
    const checkpoint = await published(past)
    const { logId, first, last } = past
    await tamper(past.storage, (db) => removeHead(db, logId, last + 1))
    const removed = { kind: "head-removed", logId, seq: last + 1 }
    expect(await findingsOf(past, checkpoint)).toEqual([removed])
    await tamper(past.storage, (db) => event(db, logId, first).set({ body: "{}" }).execute())
    expect(await findingsOf(past)).toEqual([removed, { kind: "event-edited", logId, seq: first }])
  })

  it.for([
    { what: "body", change: { body: "{}" } },
    { what: "leaf hash", change: { leaf_hash: Buffer.alloc(32, 1) } },
  ])("an event whose $what was edited before a checkpoint is named, and nothing else is", async ({
    change,
  }) => {
    const past = await aWitnessedPast(open)
    const { logId, end } = past
    const checkpoint = await published(past)
    await tamper(past.storage, (db) =>
      event(db, logId, end - 2)
        .set(change)
        .execute(),
    )
    expect(await findingsOf(past, checkpoint)).toEqual([{ kind: "event-edited", logId, seq: end - 2 }])
  })

  it("a checkpoint of another database is refused, and says whose it is not", async () => {
    const past = await aWitnessedPast(open)
    const text = JSON.stringify(await published(past))
    const other = await open()
    expect(() => parseCheckpoint(text, other.keyring.auditPublicKeyBytes)).toThrow(
      "The checkpoint is of another database, or was changed: the key of this one did not sign it",
    )
  })
}

/** Columns that nothing relies on: who writes a log now, and since when it is there. */
const unprotected = new Set(["writer", "writer_until", "created_at"])

type Mutation =
  | { readonly kind: "change"; readonly table: number; readonly row: number; column: number; byte: number }
  | { readonly kind: "remove"; readonly table: number; readonly row: number }
  | { readonly kind: "swap"; readonly row: number; readonly with: number }

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({
    kind: fc.constant("change" as const),
    table: fc.nat({ max: tables.length - 1 }),
    row: fc.nat(),
    column: fc.nat(),
    byte: fc.nat(),
  }),
  fc.record({
    kind: fc.constant("remove" as const),
    table: fc.nat({ max: tables.length - 1 }),
    row: fc.nat(),
  }),
  fc.record({ kind: fc.constant("swap" as const), row: fc.nat(), with: fc.nat() }),
)

/** The same value with one byte, or one unit, changed. */
function changed(value: unknown, byte: number): unknown {
  if (typeof value === "number") return value + 1 + (byte % 1_000)
  if (value === null) return "x"
  if (typeof value === "string") {
    if (value === "") return "x"
    const at = byte % value.length
    const other = value[at] === "a" ? "b" : "a"
    return value.slice(0, at) + other + value.slice(at + 1)
  }
  const bytes = Buffer.from(value as Uint8Array)
  if (bytes.length === 0) return Buffer.of(1)
  const at = byte % bytes.length
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (byte % 8))
  return bytes
}

/** The rows after a mutation; `undefined` when it is one that changes nothing that is protected. */
function mutated({ original }: Witnessed, of: Mutation): Snapshot | undefined {
  const table = of.kind === "swap" ? "audit_event" : (tables[of.table] ?? "audit_event")
  const rows = [...original[table]]
  const index = of.row % rows.length
  const row = rows[index]
  if (row === undefined) return undefined
  if (of.kind === "remove") {
    rows.splice(index, 1)
  } else if (of.kind === "swap") {
    const other = rows[of.with % rows.length]
    if (other === undefined || other === row) return undefined
    const place = { log_id: other["log_id"], seq: other["seq"] }
    rows[of.with % rows.length] = { ...other, log_id: row["log_id"], seq: row["seq"] }
    rows[index] = { ...row, ...place }
  } else {
    const columns = Object.keys(row).filter((column) => !unprotected.has(column))
    const column = columns[of.column % columns.length] ?? ""
    rows[index] = { ...row, [column]: changed(row[column], of.byte) }
  }
  return { ...original, [table]: rows }
}

/** What the database itself refuses twice: a change that it does not take is none. */
const keyOf = {
  audit_log: ["id"],
  audit_event: ["log_id", "seq"],
  audit_head: ["log_id", "size"],
  audit_prune: ["log_id", "size"],
  audit_redaction: ["log_id", "from_seq"],
} as const satisfies Record<keyof Snapshot, readonly string[]>

function hasUniqueKeys(rows: Snapshot[keyof Snapshot], columns: readonly string[]): boolean {
  const keys = rows.map((row) => columns.map((column) => String(row[column])).join("\n"))
  return new Set(keys).size === keys.length
}

/** Any one change whatever, on SQLite, where thousands of verifications take seconds. */
export function anyTamperingConformance(open: OpenTestStorage): void {
  it("no single mutation of the audit tables goes unnoticed", async () => {
    const past = await aWitnessedPast(open)
    let tried = 0
    await fc.assert(
      fc.asyncProperty(mutation, async (one) => {
        const rows = mutated(past, one)
        fc.pre(rows !== undefined)
        fc.pre(tables.every((table) => hasUniqueKeys(rows[table], keyOf[table])))
        await restore({ ...past, original: rows })
        expect(await findingsOf(past)).not.toEqual([])
        tried += 1
      }),
      { numRuns: 250 },
    )
    expect(tried).toBe(250)
    await restore(past)
    expect(await findingsOf(past)).toEqual([])
  }, 120_000)
}
