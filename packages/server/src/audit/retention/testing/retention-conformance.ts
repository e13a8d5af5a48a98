import { spawn } from "node:child_process"
import { once } from "node:events"
import { setImmediate as nextTurn } from "node:timers/promises"
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import type { Writer } from "../../../db/database.ts"
import { anEvent, insertProject } from "../../../db/testing/rows.ts"
import { createCheckpoint, verifyAuditLogs } from "../../index.ts"
import { runRetention } from "../run-retention.ts"

const dayMs = 86_400_000
const nothing = { projectIds: [], actorIds: [] }

type Days = { readonly organization?: number; readonly project?: number }

/** An organization with two projects, of which the first may keep its events for a shorter time. */
export async function openWith(open: OpenTestStorage, days: Days): Promise<TestStorage> {
  const storage = await open()
  await storage.database.write(async ({ db }) => {
    await insertProject(db)
    await insertProject(db, "project-2")
    await setDays(db, days)
  })
  return storage
}

async function setDays(db: Writer, { organization, project }: Days): Promise<void> {
  await db
    .updateTable("organization")
    .set({ audit_retention_days: organization ?? null })
    .execute()
  await db
    .updateTable("project")
    .set({ audit_retention_days: project ?? null })
    .where("id", "=", "project-1")
    .execute()
}

/** Events of now, alternating between the projects, in batches of three. */
export async function record({ database, clock }: TestStorage, count: number, prefix = "e"): Promise<void> {
  for (let index = 0; index < count; index += 3) {
    const batch = [index, index + 1, index + 2].slice(0, count - index)
    const events = batch.map((number) => {
      const projectId = number % 2 === 0 ? "project-1" : "project-2"
      return anEvent(`${prefix}${number}`, { at: clock.now(), projectId })
    })
    await database.record(events, nothing)
  }
}

/** Until nothing is left to do: a snapshot that lies back is moved first. */
export async function retain({ database, keyring, clock, random, log }: TestStorage, sliceSize = 10) {
  const deps = { database, signer: keyring, clock, random, log }
  let removed = 0
  for (let run = 0; run < 50; run += 1) removed += await runRetention(deps, { sliceSize, pauseMs: 0 })
  return removed
}

export async function idsOf({ database }: TestStorage): Promise<string[]> {
  const rows = await database.reader
    .selectFrom("audit_event")
    .select(["id", "type"])
    .orderBy("log_id")
    .orderBy("seq")
    .execute()
  return rows.filter((row) => row.type !== "prune-audit-logs").map((row) => row.id)
}

export async function findings({ database, keyring }: TestStorage) {
  const report = await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes)
  return report.findings.map(({ kind, seq }) => (seq === undefined ? { kind } : { kind, seq }))
}

/** Retention, on both databases. */
export function retentionConformance(open: OpenTestStorage): void {
  removing(open)
  emptying(open)
  evidence(open)
  interruptions(open)
}

function removing(open: OpenTestStorage): void {
  it("without a retention nothing is ever removed", async () => {
    const storage = await openWith(open, {})
    await record(storage, 12)
    storage.clock.advance(10_000 * dayMs)
    expect(await retain(storage)).toBe(0)
    expect(await idsOf(storage)).toHaveLength(12)
  })

  it("what is older than the retention is gone, what is not is there, and the rest verifies", async () => {
    const storage = await openWith(open, { organization: 30 })
    await record(storage, 24, "old")
    storage.clock.advance(20 * dayMs)
    await record(storage, 6, "new")
    storage.clock.advance(11 * dayMs)
    expect(await retain(storage)).toBe(24)
    expect(await idsOf(storage)).toEqual(["new0", "new1", "new2", "new3", "new4", "new5"])
    expect(await findings(storage)).toEqual([])
    const report = await verifyAuditLogs(storage.database.reader, storage.keyring.auditPublicKeyBytes)
    expect(report.logs[0]).toMatchObject({ pruned: 24 })
    const events = await storage.database.reader.selectFrom("audit_event").select(["type", "body"]).execute()
    const removed = events
      .filter((event) => event.type === "prune-audit-logs")
      .map((event) => JSON.parse(event.body).metadata.removed as number)
    expect(removed.reduce((left, right) => left + right, 0)).toBe(24)
  })

  it("an event is kept to the last millisecond of its time", async () => {
    const storage = await openWith(open, { organization: 1 })
    await record(storage, 3)
    storage.clock.advance(dayMs)
    expect(await retain(storage)).toBe(0)
    storage.clock.advance(1)
    expect(await retain(storage)).toBe(3)
  })

  it("a pruned log is opened again and goes on", async () => {
    const storage = await openWith(open, { organization: 30 })
    await record(storage, 20, "old")
    storage.clock.advance(31 * dayMs)
    await retain(storage)
    await storage.database.close()
    const again = await open({ sameAs: storage, clock: storage.clock })
    await record(again, 3, "after")
    expect(await idsOf(again)).toEqual(["after0", "after1", "after2"])
    expect(await findings(again)).toEqual([])
    const logs = await again.database.reader.selectFrom("audit_log").select("id").execute()
    expect(logs).toHaveLength(1)
  })

  it("a batch that is larger than a slice is removed as a whole", async () => {
    const storage = await openWith(open, { organization: 30 })
    const many = Array.from({ length: 300 }, (_, index) => anEvent(`e${index}`, { at: storage.clock.now() }))
    await storage.database.record(many, nothing)
    storage.clock.advance(31 * dayMs)
    expect(await retain(storage)).toBe(300)
    expect(await findings(storage)).toEqual([])
  })

  it("a checkpoint of before says that it proves nothing about what is gone", async () => {
    const storage = await openWith(open, { organization: 30 })
    await record(storage, 12)
    const { database, keyring, clock } = storage
    const checkpoint = await createCheckpoint(database.reader, keyring, clock.now())
    clock.advance(20 * dayMs)
    await record(storage, 3, "new")
    clock.advance(11 * dayMs)
    await retain(storage)
    const report = await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes, { checkpoint })
    expect(report.findings).toEqual([])
    const isBehind = (report.logs[0]?.pruned ?? 0) > 12
    expect(report.notes.length).toBe(isBehind ? 1 : 0)
  })
}

function emptying(open: OpenTestStorage): void {
  async function emptied() {
    const storage = await openWith(open, { organization: 90, project: 30 })
    await record(storage, 12)
    storage.clock.advance(31 * dayMs)
    expect(await retain(storage, 4)).toBe(6)
    return storage
  }

  it("the shorter retention of a project empties its events alone, and the log verifies", async () => {
    const storage = await emptied()
    expect(await idsOf(storage)).toEqual(["", "e1", "", "e3", "", "e5", "", "e7", "", "e9", "", "e11"])
    const rows = await storage.database.reader
      .selectFrom("audit_event")
      .selectAll()
      .where("id", "=", "")
      .execute()
    for (const { seq: _seq, log_id: _log, leaf_hash: _hash, ...rest } of rows) {
      expect(rest).toEqual({
        id: "",
        at: 0,
        type: "",
        org_id: "",
        project_id: null,
        actor_type: "",
        actor_id: null,
        body: "",
      })
    }
    expect(await findings(storage)).toEqual([])
    expect(await retain(storage)).toBe(0)
  })

  it("what was emptied goes for good with what surrounds it", async () => {
    const storage = await emptied()
    storage.clock.advance(60 * dayMs)
    expect(await retain(storage)).toBeGreaterThanOrEqual(12)
    expect(await idsOf(storage)).toEqual([])
    expect(await findings(storage)).toEqual([])
    const left = await storage.database.reader.selectFrom("audit_redaction").selectAll().execute()
    expect(left).toEqual([])
  })

  it("a record of emptied events that reaches behind the cut by one event stays, and the log verifies", async () => {
    const storage = await openWith(open, { organization: 90, project: 30 })
    await record(storage, 6)
    storage.clock.advance(dayMs)
    await record(storage, 6, "later")
    storage.clock.advance(31 * dayMs)
    expect(await retain(storage, 4)).toBe(6)
    const records = () =>
      storage.database.reader
        .selectFrom("audit_redaction")
        .select(["from_seq", "to_seq"])
        .orderBy("from_seq")
        .execute()
    expect(await records()).toContainEqual({ from_seq: 0, to_seq: 6 })
    storage.clock.advance(58.5 * dayMs)
    expect(await retain(storage)).toBe(6)
    expect(await idsOf(storage)).toEqual(["", "later1", "", "later3", "", "later5"])
    expect(await records()).toEqual([
      { from_seq: 0, to_seq: 6 },
      { from_seq: 8, to_seq: 10 },
    ])
    expect(await findings(storage)).toEqual([])
  })

  it("an event that somebody else emptied is found", async () => {
    const storage = await emptied()
    const empty = { id: "", at: 0, type: "", org_id: "", project_id: null, actor_type: "", actor_id: null }
    await storage.database.write(({ db }) =>
      db
        .updateTable("audit_event")
        .set({ ...empty, body: "" })
        .where("seq", "=", 3)
        .execute(),
    )
    expect(await findings(storage)).toEqual([{ kind: "event-edited", seq: 3 }])
  })

  it("a record of emptied events that was changed is found, and so are the events", async () => {
    const storage = await emptied()
    await storage.database.write(({ db }) =>
      db.updateTable("audit_redaction").set({ at: 1 }).where("from_seq", "=", 0).execute(),
    )
    const found = await findings(storage)
    expect(found).toContainEqual({ kind: "redaction-forged", seq: 0 })
    expect(found).toContainEqual({ kind: "event-edited", seq: 0 })
  })

  it("an emptied event whose leaf hash is changed, or that is filled again, is found", async () => {
    const storage = await emptied()
    await storage.database.write(async ({ db }) => {
      await db.updateTable("audit_event").set({ type: "get-secrets" }).where("seq", "=", 2).execute()
      await db
        .updateTable("audit_event")
        .set({ leaf_hash: Buffer.alloc(32) })
        .where("seq", "=", 4)
        .execute()
    })
    expect(await findings(storage)).toEqual([
      { kind: "columns-differ", seq: 2 },
      { kind: "events-changed", seq: 3 },
    ])
  })
}

function evidence(open: OpenTestStorage): void {
  it.for([
    { what: "an edited event", change: { body: "{}" } },
    { what: "an event made to look old", change: { at: 1 } },
    { what: "a wrong leaf hash", change: { leaf_hash: Buffer.alloc(32) } },
  ])("$what is evidence: it is neither removed nor emptied", async ({ change }) => {
    const storage = await openWith(open, { organization: 30, project: 20 })
    await record(storage, 12)
    await storage.database.write(({ db }) =>
      db.updateTable("audit_event").set(change).where("seq", "=", 2).execute(),
    )
    storage.clock.advance(31 * dayMs)
    await retain(storage, 100)
    const left = await storage.database.reader.selectFrom("audit_event").select("seq").execute()
    expect(left.map((row) => row.seq)).toContain(2)
    expect((await findings(storage)).length).toBeGreaterThan(0)
    expect(JSON.stringify(storage.log.entries)).toContain("Run coffer audit verify")
  })
}

function interruptions(open: OpenTestStorage): void {
  it("events that are written meanwhile are kept, and everything verifies", async () => {
    const storage = await openWith(open, { organization: 30, project: 10 })
    await record(storage, 150, "old")
    storage.clock.advance(31 * dayMs)
    const writing = record(storage, 150, "new")
    await retain(storage, 9)
    await writing
    await retain(storage, 9)
    expect((await idsOf(storage)).filter((id) => id.startsWith("new"))).toHaveLength(150)
    expect((await idsOf(storage)).filter((id) => id.startsWith("old"))).toEqual([])
    expect(await findings(storage)).toEqual([])
  })

  it("a verification while it runs finds nothing wrong", async () => {
    const storage = await openWith(open, { organization: 30, project: 10 })
    await record(storage, 120, "old")
    storage.clock.advance(15 * dayMs)
    await record(storage, 60, "young")
    storage.clock.advance(16 * dayMs)
    let isRunning = true
    const running = retain(storage, 5).finally(() => {
      isRunning = false
    })
    let verified = 0
    for (; isRunning; verified += 1) {
      expect(await findings(storage)).toEqual([])
      await nextTurn()
    }
    await running
    expect(verified).toBeGreaterThan(2)
  })

  it("killed at any moment it leaves a log that verifies, and the next run goes on", async () => {
    let storage = await openWith(open, { organization: 30, project: 10 })
    await record(storage, 300, "old")
    storage.clock.advance(15 * dayMs)
    await record(storage, 60, "young")
    storage.clock.advance(16 * dayMs)
    for (let round = 0; round < 6; round += 1) {
      await storage.database.close()
      await runUntilKilled(storage, 20 + 60 * round)
      storage = await open({ sameAs: storage, random: storage.random, clock: storage.clock })
      expect(await findings(storage)).toEqual([])
    }
    await retain(storage)
    const ids = await idsOf(storage)
    expect(ids.filter((id) => id.startsWith("old"))).toEqual([])
    expect(ids.filter((id) => id.startsWith("young"))).toHaveLength(30)
    expect(await findings(storage)).toEqual([])
  }, 120_000)
}

async function runUntilKilled(storage: TestStorage, killAfterMs: number): Promise<void> {
  const program = new URL("./retaining-process.ts", import.meta.url).pathname
  const uri = storage.connectionUri === undefined ? [] : [storage.connectionUri.reveal()]
  const args = [program, storage.dataFolder, String(storage.clock.now()), ...uri]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
  let errors = ""
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString()
  })
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), killAfterMs))
  const [code, signal] = await once(child, "close")
  if (signal !== "SIGKILL") throw new Error(`the process ended by itself with ${code}: ${errors}`)
}
