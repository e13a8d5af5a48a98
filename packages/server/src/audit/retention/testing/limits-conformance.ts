/** What retention must leave alone: other logs, what was changed, and everything when it is told to end. */
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import type { Writer } from "../../../db/database.ts"
import { anEvent } from "../../../db/testing/rows.ts"
import { uuidBytes } from "../../../uuid.ts"
import { leafHash } from "../../audit-record.ts"
import { appendToAnotherLog } from "../../testing/witnessed-past.ts"
import { runRetention } from "../run-retention.ts"
import { findings, idsOf, openWith, record, retain } from "./retention-conformance.ts"

const dayMs = 86_400_000

export function limitsConformance(open: OpenTestStorage): void {
  otherLogs(open)
  changedLogs(open)
  itsEvents(open)
  itsEnd(open)
}

function otherLogs(open: OpenTestStorage): void {
  it("each log is cut and emptied by itself, whatever lies in another", async () => {
    const storage = await openWith(open, { organization: 30, project: 10 })
    const { clock } = storage
    const [own] = await logIds(storage)
    await record(storage, 12)
    clock.advance(20 * dayMs)
    await appendToAnotherLog(storage, (seq) => ({
      at: clock.now(),
      projectId: seq === 0 ? "project-2" : "project-1",
    }))
    clock.advance(11 * dayMs)
    // All of one log is removed; of the other one, the events of a project are emptied.
    await retain(storage)
    expect(await idsOf(storage)).toEqual(["other 0", "", "", "", ""])
    expect(await findings(storage)).toEqual([])
    expect((await prunes(storage)).map((row) => row.log_id)).toEqual([own])

    clock.advance(20 * dayMs)
    await retain(storage)
    clock.advance(20 * dayMs)
    await record(storage, 3, "late")
    await retain(storage)
    expect(await findings(storage)).toEqual([])
    // One record for each log: a later one takes the place of that of its own log.
    expect(new Set((await prunes(storage)).map((row) => row.log_id)).size).toBe(2)
    expect(await prunes(storage)).toHaveLength(2)
  })
}

function changedLogs(open: OpenTestStorage): void {
  it.for<{ what: string; change: (db: Writer) => Promise<unknown>; problem: string }>([
    {
      what: "a head with a wrong signature",
      change: (db) =>
        db
          .updateTable("audit_head")
          .set({ signature: Buffer.alloc(64) })
          .execute(),
      problem: "a head is not what was signed",
    },
    {
      what: "an edited event whose leaf hash was made to fit",
      change: editToFit,
      problem: "a head is not what was signed",
    },
    {
      what: "a gap",
      change: (db) => db.deleteFrom("audit_event").where("seq", "=", 5).execute(),
      problem: "an event is not what was signed",
    },
  ])("nothing is removed from a log with $what, and the reason is logged", async ({ change, problem }) => {
    const storage = await openWith(open, { organization: 30 })
    await record(storage, 12)
    await storage.database.write(({ db }) => change(db))
    const before = await idsOf(storage)
    const found = await findings(storage)
    storage.clock.advance(31 * dayMs)
    expect(await retain(storage, 100)).toBe(0)
    expect(await idsOf(storage)).toEqual(before)
    expect(found).not.toEqual([])
    expect(await findings(storage)).toEqual(found)
    expect(JSON.stringify(storage.log.entries)).toContain(problem)
  })

  it("nothing more is removed when the record of what was removed is changed", async () => {
    const storage = await openWith(open, { organization: 30 })
    await record(storage, 12)
    storage.clock.advance(31 * dayMs)
    await retain(storage)
    await record(storage, 6, "later")
    await storage.database.write(({ db }) => db.updateTable("audit_prune").set({ at: 1 }).execute())
    storage.clock.advance(31 * dayMs)
    expect(await retain(storage)).toBe(0)
    expect(await idsOf(storage)).toHaveLength(6)
    const problem = "the record of what retention removed is not what was signed"
    expect(JSON.stringify(storage.log.entries)).toContain(problem)
  })

  it("changed events keep their content, and those behind them are emptied still", async () => {
    const storage = await openWith(open, { organization: 90, project: 30 })
    await record(storage, 24)
    await storage.database.write(({ db }) =>
      db.updateTable("audit_event").set({ body: "{}" }).where("seq", "in", [0, 2, 4]).execute(),
    )
    storage.clock.advance(31 * dayMs)
    expect(await retain(storage, 2)).toBe(9)
    const shown = (await idsOf(storage)).filter((id) => id !== "")
    const kept = [0, 2, 4, ...Array.from({ length: 12 }, (_, index) => 2 * index + 1)]
    expect(shown).toEqual(kept.toSorted((left, right) => left - right).map((number) => `e${number}`))
    expect(JSON.stringify(storage.log.entries)).toContain("Run coffer audit verify")
  })

  it("events that happened in another order than they were written are emptied all the same", async () => {
    const storage = await openWith(open, { organization: 90, project: 30 })
    const now = storage.clock.now()
    const events = [3, 1, 2, 0].map((at) => anEvent(`e${at}`, { at: now + at }))
    // The first one stays, or the log would be cut behind those that were emptied.
    events.unshift(anEvent("first", { at: now, projectId: "project-2" }))
    await storage.database.record(events, { projectIds: [], actorIds: [] })
    storage.clock.advance(31 * dayMs)
    expect(await retain(storage)).toBe(4)
    expect(await idsOf(storage)).toEqual(["first", "", "", "", ""])
    expect(await findings(storage)).toEqual([])
    // The record must stay as long as the last of them: retention removes it by where it ends.
    const records = await storage.database.reader
      .selectFrom("audit_redaction")
      .select(["from_seq", "to_seq", "seqs"])
      .execute()
    expect(records).toEqual([{ from_seq: 1, to_seq: 4, seqs: "[[1,4]]" }])
  })
}

function itsEvents(open: OpenTestStorage): void {
  it("says which organization's events it removed, also when the last of them was empty already", async () => {
    const storage = await openWith(open, { organization: 90, project: 30 })
    await record(storage, 11)
    storage.clock.advance(31 * dayMs)
    expect(await retain(storage)).toBe(6)
    storage.clock.advance(60 * dayMs)
    expect(await retain(storage)).toBe(11)
    const events = await storage.database.reader
      .selectFrom("audit_event")
      .select("org_id")
      .where("type", "=", "prune-audit-logs")
      .execute()
    expect(new Set(events.map((event) => event.org_id))).toEqual(new Set(["org-1"]))
  })

  it("says nothing about events of which nothing was left", async () => {
    const storage = await openWith(open, { organization: 90, project: 30 })
    const events = [anEvent("e0", { at: storage.clock.now() })]
    await storage.database.record(events, { projectIds: [], actorIds: [] })
    storage.clock.advance(31 * dayMs)
    // It is emptied, and then removed.
    expect(await retain(storage)).toBe(2)
    expect(await storage.database.reader.selectFrom("audit_event").select("type").execute()).toEqual([])
  })
}

function itsEnd(open: OpenTestStorage): void {
  it.for([
    { what: "it is told to end", options: { signal: AbortSignal.abort() } },
    { what: "another process does it", options: { isMine: async () => false } },
  ])("removes and empties nothing when $what", async ({ options }) => {
    const storage = await openWith(open, { organization: 30, project: 10 })
    await record(storage, 12)
    storage.clock.advance(20 * dayMs)
    const { database, keyring: signer, clock, random, log } = storage
    const deps = { database, signer, clock, random, log }
    expect(await runRetention(deps, { ...options, pauseMs: 0 })).toBe(0)
    expect(await idsOf(storage)).not.toContain("")
    clock.advance(11 * dayMs)
    expect(await runRetention(deps, { ...options, pauseMs: 0 })).toBe(0)
    expect(await idsOf(storage)).toHaveLength(12)
    expect(await retain(storage)).toBeGreaterThanOrEqual(12)
  })

  it.for([
    { what: "while it pauses", when: "pause" },
    { what: "in the middle of a slice", when: "slice" },
  ] as const)("told to end $what it begins no other slice", async ({ when }) => {
    const storage = await openWith(open, { organization: 30 })
    await record(storage, 12)
    // The first run only moves the snapshot out of the way.
    storage.clock.advance(31 * dayMs)
    const { database, keyring: signer, clock, random, log } = storage
    const deps = { database, signer, clock, random, log }
    await runRetention(deps, { sliceSize: 3, pauseMs: 0 })
    const before = (await idsOf(storage)).length
    const ending = new AbortController()
    const end = async () => {
      ending.abort()
      return true
    }
    if (when === "pause") setTimeout(end, 100)
    const options = when === "pause" ? { pauseMs: 300 } : { pauseMs: 0, isMine: end }
    const removed = await runRetention(deps, { ...options, sliceSize: 3, signal: ending.signal })
    expect(removed).toBe(when === "pause" ? 0 : 3)
    expect(await idsOf(storage)).toHaveLength(before - removed)
  })
}

/** What somebody does who knows how a leaf is hashed. */
async function editToFit(db: Writer): Promise<void> {
  const row = await db.selectFrom("audit_event").selectAll().where("seq", "=", 5).executeTakeFirstOrThrow()
  const body = row.body.replace("127.0.0.1", "127.0.0.2")
  const hash = leafHash(uuidBytes(row.log_id), row.seq, body)
  await db.updateTable("audit_event").set({ body, leaf_hash: hash }).where("seq", "=", 5).execute()
}

async function logIds({ database }: TestStorage): Promise<string[]> {
  return (await database.reader.selectFrom("audit_log").select("id").execute()).map((row) => row.id)
}

function prunes({ database }: TestStorage) {
  return database.reader.selectFrom("audit_prune").select(["log_id", "size"]).execute()
}
