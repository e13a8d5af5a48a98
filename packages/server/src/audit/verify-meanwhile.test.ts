/** What verification says of a log that retention shortens, or that somebody changes, while it is read. */
import { describeDatabase, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import type { KyselyPlugin, PluginTransformResultArgs, UnknownRow } from "kysely"
import { expect, it } from "vitest"
import { anEvent, insertProject } from "../db/testing/rows.ts"
import { exportAuditLogs, runRetention, verifyAuditExport, verifyAuditLogs } from "./index.ts"
import { findingsOf, nothing, openWithEvents, tamper } from "./testing/twelve-events.ts"

const dayMs = 86_400_000

type Watching = {
  /** Runs before a page of events is handed on; the first page is number one. */
  readonly onPage?: (number: number) => Promise<unknown>
  /** Runs before heads are handed on. */
  readonly onHeads?: () => Promise<unknown>
  readonly change?: (row: UnknownRow) => UnknownRow
}

/** Sees what is read, and may do something before it is handed on, or change it. */
class Watch implements KyselyPlugin {
  /** The first sequence number of each page of events. */
  readonly pages: number[] = []
  readonly #watching: Watching

  constructor(watching: Watching) {
    this.#watching = watching
  }

  transformQuery: KyselyPlugin["transformQuery"] = ({ node }) => node

  async transformResult({ result }: PluginTransformResultArgs) {
    const { onPage, onHeads, change = (row) => row } = this.#watching
    const [first = {}] = result.rows
    if ("leaf_hash" in first) {
      this.pages.push(Number(first["seq"]))
      await onPage?.(this.pages.length)
    }
    if ("root_hash" in first) await onHeads?.()
    return { ...result, rows: result.rows.map(change) }
  }
}

async function verify({ database, keyring }: TestStorage, watch: Watch) {
  return verifyAuditLogs(database.reader.withPlugin(watch), keyring.auditPublicKeyBytes)
}

/** Batches of five hundred events, as many as a page has: the first three are due, and the others are not. */
async function openWithDueEvents(open: OpenTestStorage): Promise<TestStorage> {
  const storage = await open()
  await storage.database.write(async ({ db }) => {
    await insertProject(db)
    await db.updateTable("organization").set({ audit_retention_days: 30 }).execute()
  })
  for (let batch = 0; batch < 6; batch += 1) {
    if (batch === 3) storage.clock.advance(31 * dayMs)
    const at = storage.clock.now()
    const events = Array.from({ length: 500 }, (_, index) => anEvent(`e${batch * 500 + index}`, { at }))
    await storage.database.record(events, nothing)
  }
  return storage
}

async function retain({ database, keyring: signer, clock, random, log }: TestStorage): Promise<number> {
  const run = () => runRetention({ database, signer, clock, random, log }, { pauseMs: 0 })
  return (await run()) + (await run())
}

describeDatabase("sqlite", "audit verification while the log changes", (open) => {
  it("begins a log that was shortened meanwhile anew, at once, where it begins now, and finds nothing wrong", async () => {
    const storage = await openWithDueEvents(open)
    let removed = 0
    const watch = new Watch({
      onPage: async (number) => {
        if (number === 1) removed = await retain(storage)
      },
    })
    const report = await verify(storage, watch)
    expect(removed).toBe(1_500)
    // The second page shows that the beginning is gone; nothing behind it is read before it is begun anew.
    expect(watch.pages).toEqual([0, 1_500, 1_500, 2_000, 2_500, 3_000])
    expect(report).toMatchObject({ isIntact: true, findings: [], notes: [], logs: [{ pruned: 1_500 }] })
    expect(report.eventsChecked).toBe(report.logs[0]?.size === undefined ? 0 : report.logs[0].size - 1_500)
  })

  it("tells what is wrong at the end of a log that was shortened meanwhile, once, and nothing else", async () => {
    const storage = await openWithDueEvents(open)
    await tamper(storage, (db) =>
      db.updateTable("audit_event").set({ type: "forged" }).where("seq", "=", 2_999).execute(),
    )
    const shorten = async (number: number) => {
      if (number === 6) await retain(storage)
    }
    const report = await verify(storage, new Watch({ onPage: shorten }))
    expect(report.findings).toMatchObject([{ kind: "columns-differ", seq: 2_999 }])
    expect(report.logs).toMatchObject([{ pruned: 1_500 }])
  })

  it("begins a log that was shortened meanwhile anew also when something else is wrong with it", async () => {
    const storage = await openWithDueEvents(open)
    await tamper(storage, (db) =>
      db
        .updateTable("audit_log")
        .set({ public_key: Buffer.alloc(44) })
        .execute(),
    )
    let removed = 0
    const shorten = async (number: number) => {
      if (number === 2) removed = await retain(storage)
    }
    const report = await verify(storage, new Watch({ onPage: shorten }))
    expect(removed).toBe(1_500)
    expect(report.findings).toMatchObject([{ kind: "key-differs" }])
    expect(report.findings).toHaveLength(1)
  })

  it("an event that is written while it looks for the end of the log is not called unsigned", async () => {
    const storage = await openWithEvents(open)
    let written = 0
    const write = async () => {
      written += 1
      if (written === 1) await storage.database.record([anEvent("meanwhile")], nothing)
    }
    const report = await verify(storage, new Watch({ onHeads: write }))
    expect(written).toBeGreaterThan(0)
    expect(report).toMatchObject({ isIntact: true, findings: [] })
  })

  it("ends, and calls nothing intact, though somebody changes the record of retention again and again", async () => {
    const storage = await openWithEvents(open)
    await tamper(storage, (db) =>
      db.updateTable("audit_event").set({ body: "{}" }).where("seq", "=", 5).execute(),
    )
    let marks = 0
    const restless = (row: UnknownRow) => {
      if (!("count" in row)) return row
      marks += 1
      return { ...row, at: marks }
    }
    const report = await verify(storage, new Watch({ change: restless }))
    expect(marks).toBeGreaterThan(1_000)
    expect(report.isIntact).toBe(false)
    expect(report.findings).toMatchObject([{ kind: "event-edited", seq: 5 }])
  })
})

describeDatabase("sqlite", "several records of what retention removed", (open) => {
  it.for([
    { what: "an older one that was put back", forge: {} },
    { what: "an older one that nobody signed", forge: { at: 17 } },
  ])("$what does not move the beginning of the log", async ({ forge }) => {
    const storage = await openWithEvents(open)
    const { reader } = storage.database
    await storage.database.write(async ({ db }) => {
      await insertProject(db)
      await db.updateTable("organization").set({ audit_retention_days: 30 }).execute()
    })
    const recordOf = () => reader.selectFrom("audit_prune").selectAll().executeTakeFirstOrThrow()
    await retainAll(storage)
    const older = await recordOf()
    await storage.database.record([anEvent("later", { at: storage.clock.now() })], nothing)
    await retainAll(storage)
    const newer = await recordOf()
    expect(newer.size).toBeGreaterThan(older.size)
    await tamper(storage, (db) =>
      db
        .insertInto("audit_prune")
        .values({ ...older, ...forge })
        .execute(),
    )
    const forged = Object.keys(forge).length > 0
    expect(await findingsOf(storage)).toEqual(forged ? [{ kind: "prune-forged" }] : [])
    // Nor where an export begins, and retention goes on behind it.
    const lines: string[] = []
    for await (const { line } of exportAuditLogs(reader)) lines.push(line)
    expect(await verifyAuditExport(lines, storage.keyring.auditPublicKeyBytes)).toMatchObject({
      isIntact: true,
      logs: [{ pruned: newer.size }],
    })
    await storage.database.record([anEvent("last", { at: storage.clock.now() })], nothing)
    await retainAll(storage)
    expect((await recordOf()).size).toBeGreaterThan(newer.size)
  })

  async function retainAll(storage: TestStorage) {
    storage.clock.advance(31 * dayMs)
    await retain(storage)
  }
})
