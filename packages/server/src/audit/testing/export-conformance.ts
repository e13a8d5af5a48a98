import { describeDatabase, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import { anEvent } from "../../db/testing/rows.ts"
import type { ExportedLine } from "../export-log.ts"
import {
  createCheckpoint,
  type ExportFilter,
  exportAuditLogs,
  readPublishedHeads,
  verifyAuditExport,
} from "../index.ts"
import { CompactRange } from "../merkle.ts"
import { aWitnessedPast } from "./witnessed-past.ts"

const nothing = { projectIds: [], actorIds: [] }

async function openWithEvents(open: OpenTestStorage, batches = 3): Promise<TestStorage> {
  const storage = await open()
  await record(storage, 0, batches)
  return storage
}

/** Batches of four events: e0, e1, ... */
async function record({ database }: TestStorage, from: number, batches: number): Promise<void> {
  for (let batch = from; batch < from + batches; batch += 1) {
    await database.record(
      [0, 1, 2, 3].map((index) => anEvent(`e${batch * 4 + index}`)),
      nothing,
    )
  }
}

async function exportedOf({ database }: TestStorage, filter: ExportFilter = {}): Promise<ExportedLine[]> {
  const exported: ExportedLine[] = []
  for await (const one of exportAuditLogs(database.reader, filter)) exported.push(one)
  return exported
}

async function linesOf(storage: TestStorage, filter: ExportFilter = {}): Promise<string[]> {
  return (await exportedOf(storage, filter)).map(({ line }) => line)
}

const anActor = (id: string) => ({ type: "identity", id, name: id, authMethod: "universal-auth" }) as const

const keyOf = ({ keyring }: TestStorage) => keyring.auditPublicKeyBytes
/** What was found, without the name of the log before it. */
const messagesOf = async (storage: TestStorage, lines: readonly string[]) => {
  const { isIntact, findings } = await verifyAuditExport(lines, keyOf(storage))
  expect(isIntact).toBe(findings.length === 0)
  return findings.map(({ message }) => message.replace(/^log [-0-9a-f]{36}: /, ""))
}
const notItsEvents = "its events are not those that its head over 12 was signed for"
const headMissing = "its head is missing"
const cut = "the export was cut: its last line is missing"
const moved = (expected: number, seq: number) => `event ${expected} was expected, and ${seq} stands there`
const countsWrong = (events: number, told: number) =>
  `the export has ${events} events, and its last line speaks of ${told}`
const upperCase = "0A1B2C3D-0000-4000-8000-000000000000"
const kindsOf = async (storage: TestStorage, lines: readonly string[]) =>
  (await verifyAuditExport(lines, keyOf(storage))).findings.map(({ kind }) => kind)

export function describeExport(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "an export of the audit log", (open) => {
    wholeExports(open)
    filteredExports(open)
    incompleteLogs(open)
    changedExports(open)
  })
}

function wholeExports(open: OpenTestStorage): void {
  it("verifies with the public key alone, event by event", async () => {
    const storage = await openWithEvents(open)
    const lines = await linesOf(storage)
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual([...Array(12).fill("event"), "head", "end"])
    const report = await verifyAuditExport(lines, keyOf(storage))
    expect(report).toMatchObject({ isIntact: true, eventsChecked: 12, findings: [] })
    expect(report.logs).toMatchObject([{ size: 12, pruned: 0 }])
  })

  it("holds what was asked for, and of the rest a hash, which proves as much", async () => {
    const storage = await openWithEvents(open)
    const { database } = storage
    const wanted = anEvent("the-one", { type: "delete-secret" })
    await database.record([wanted], nothing)
    const lines = await linesOf(storage, { types: ["delete-secret"] })
    const events = lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "event")
    expect(events).toMatchObject([{ seq: 12, event: { id: "the-one" } }])
    expect(lines.join("\n")).not.toContain('"e5"')
    expect(await verifyAuditExport(lines, keyOf(storage))).toMatchObject({ isIntact: true, eventsChecked: 1 })
    expect(await linesOf(storage, { from: wanted.at + 1, before: wanted.at + 2 })).toHaveLength(15)
  })

  it("of logs that retention shortened and emptied begins at the signed record of that", async () => {
    const { storage, logId, start, emptied } = await aWitnessedPast(open)
    const lines = await linesOf(storage)
    const first = lines.findIndex((line) => line.includes('"kind":"start"'))
    expect(JSON.parse(at(lines, first))).toMatchObject({ logId, size: start })
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ kind: "leaf", logId, seq: emptied }),
    )
    const report = await verifyAuditExport(lines, keyOf(storage))
    expect(report).toMatchObject({ isIntact: true })
    expect(report.logs).toHaveLength(2)
    expect(report.logs).toContainEqual(expect.objectContaining({ logId, pruned: start }))
    const forged = at(lines, first).replace(`"size":${start}`, `"size":${start - 1}`)
    expect(await kindsOf(storage, lines.with(first, forged))).toContain("prune-forged")
  })

  it("proves, with a head that was kept elsewhere, that the log was not cut", async () => {
    const storage = await openWithEvents(open)
    const early = await linesOf(storage)
    await record(storage, 3, 1)
    const checkpoint = JSON.stringify(await createCheckpoint(storage.database.reader, storage.keyring, 1))
    const heads = await readPublishedHeads([checkpoint], keyOf(storage))
    const cut = await verifyAuditExport(early, keyOf(storage), heads)
    expect(cut.findings.map(({ kind }) => kind)).toEqual(["log-cut"])
    const late = await linesOf(storage)
    expect(await verifyAuditExport(late, keyOf(storage), heads)).toMatchObject({ isIntact: true })
    // A stream or an earlier export holds heads too.
    const streamed = await readPublishedHeads(
      late.map((line) => `<134>1 coffer - - ${line}`),
      keyOf(storage),
    )
    expect((await verifyAuditExport(early, keyOf(storage), streamed)).isIntact).toBe(false)
    expect((await verifyAuditExport([], keyOf(storage), heads)).findings.map(({ kind }) => kind)).toEqual([
      "export-changed",
      "log-missing",
    ])
  })

  it("of another database is not signed by this one", async () => {
    const [storage, other] = [await openWithEvents(open), await openWithEvents(open)]
    expect(await kindsOf(storage, await linesOf(other))).toEqual(["head-forged"])
    await expect(readPublishedHeads(await linesOf(other), keyOf(storage))).rejects.toMatchObject({
      code: "CheckpointInvalid",
    })
  })
}

function filteredExports(open: OpenTestStorage): void {
  const start = anEvent("start").at
  const events = [
    anEvent("a", { at: start, projectId: "project-1", actor: anActor("ci") }),
    anEvent("b", { at: start + 1, projectId: "project-1", actor: anActor("laptop") }),
    anEvent("c", { at: start + 2, projectId: "project-2", actor: anActor("ci") }),
    anEvent("d", { at: start + 3, projectId: null, actor: { type: "platform" }, type: "delete-secret" }),
  ]
  it.for<{ what: string; filter: ExportFilter; holds: string[] }>([
    { what: "nothing", filter: {}, holds: ["a", "b", "c", "d"] },
    { what: "a time, from that one on", filter: { from: start + 2 }, holds: ["c", "d"] },
    { what: "a time, before that one", filter: { before: start + 2 }, holds: ["a", "b"] },
    { what: "the beginning of time", filter: { from: 0 }, holds: ["a", "b", "c", "d"] },
    { what: "what was before time", filter: { before: 0 }, holds: [] },
    { what: "a project", filter: { projectId: "project-1" }, holds: ["a", "b"] },
    { what: "an actor", filter: { actorId: "ci" }, holds: ["a", "c"] },
    { what: "types", filter: { types: ["delete-secret", "get-secret"] }, holds: ["a", "b", "c", "d"] },
    { what: "one type", filter: { types: ["delete-secret"] }, holds: ["d"] },
    { what: "no type", filter: { types: [] }, holds: [] },
    { what: "a project and an actor", filter: { projectId: "project-1", actorId: "ci" }, holds: ["a"] },
  ])("that was asked for by $what holds those events, and proves all", async ({ filter, holds }) => {
    const storage = await open()
    await storage.database.record(events, nothing)
    const exported = await exportedOf(storage, filter)
    const bodies = exported.flatMap((one) => (one.kind === "event" ? [JSON.parse(one.body).id] : []))
    expect(bodies).toEqual(holds)
    const lines = exported.map(({ line }) => line)
    const shown = lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "event")
    expect(shown.map(({ event }) => event.id)).toEqual(holds)
    const report = await verifyAuditExport(lines, keyOf(storage))
    expect(report).toMatchObject({ isIntact: true, eventsChecked: holds.length, logs: [{ size: 4 }] })
  })
}

function incompleteLogs(open: OpenTestStorage): void {
  it.for([
    { what: "in the middle", seq: 5 },
    { what: "at the beginning", seq: 0 },
    { what: "at the end", seq: 11 },
  ])("of a log with a gap $what stops there, and says what to do", async ({ seq }) => {
    const storage = await openWithEvents(open)
    await storage.database.write(({ db }) => db.deleteFrom("audit_event").where("seq", "=", seq).execute())
    const lines: string[] = []
    const exporting = async () => {
      for await (const { line } of exportAuditLogs(storage.database.reader)) lines.push(line)
    }
    await expect(exporting()).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringMatching(/verify it$/),
    })
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual([...Array(seq).keys()])
  })

  it("leaves out events that no head was signed for, and a log that has no head", async () => {
    const storage = await openWithEvents(open)
    const { database } = storage
    await database.write(({ db }) => db.deleteFrom("audit_head").where("size", ">", 8).execute())
    const shorter = await linesOf(storage)
    expect(shorter).toHaveLength(10)
    expect(await messagesOf(storage, shorter)).toEqual([])
    await database.write(({ db }) => db.deleteFrom("audit_head").execute())
    expect(await linesOf(storage)).toEqual(['{"kind":"end","events":0}'])
  })
}

function changedExports(open: OpenTestStorage): void {
  it.for<{ what: string; change: (lines: string[]) => string[]; finds: string[] }>([
    {
      what: "an edited event",
      change: (lines) => lines.with(5, at(lines, 5).replace("e5", "e6")),
      finds: ["event 5 was edited"],
    },
    {
      what: "a removed event",
      change: (lines) => lines.toSpliced(11, 1),
      finds: [notItsEvents, countsWrong(11, 12)],
    },
    {
      what: "two events that were swapped",
      change: (lines) => swap(lines, 4, 5),
      finds: [moved(4, 5), moved(5, 4), notItsEvents],
    },
    {
      what: "an event that was added",
      change: (lines) => lines.toSpliced(12, 0, at(lines, 11)),
      finds: [moved(12, 11), notItsEvents, countsWrong(13, 12)],
    },
    { what: "a missing head", change: (lines) => lines.toSpliced(12, 1), finds: [headMissing] },
    { what: "a missing end", change: (lines) => lines.slice(0, -1), finds: [cut] },
    {
      what: "an event behind the end",
      change: (lines) => [...lines, at(lines, 0)],
      finds: ["line 15 stands behind the end of the export"],
    },
    {
      what: "a second end",
      change: (lines) => [...lines, at(lines, 13)],
      finds: ["line 15 stands behind the end of the export"],
    },
    {
      what: "a log that stands there twice, counted twice at the end,",
      change: (lines) => {
        const log = lines.slice(0, -1)
        return [...log, ...log, at(lines, 13).replace("12", "24")]
      },
      finds: ["it stands in the export twice"],
    },
    {
      what: "a last line that counts wrong",
      change: (lines) => lines.with(13, at(lines, 13).replace("12", "11")),
      finds: [countsWrong(12, 11)],
    },
    {
      what: "a line that is none",
      change: (lines) => lines.toSpliced(3, 0, "{}"),
      finds: ["line 4 is none of an export"],
    },
    {
      what: "a line that is no JSON",
      change: (lines) => lines.toSpliced(3, 0, "{"),
      finds: ["line 4 is none of an export"],
    },
    {
      what: "the id of a log in a spelling that none has",
      change: (lines) => lines.with(11, at(lines, 11).replace(logIdOf(at(lines, 11)), upperCase)),
      finds: ["line 12: no log of Coffer has this id", notItsEvents, countsWrong(11, 12)],
    },
  ])("$what is found, and named", async ({ change, finds }) => {
    const storage = await openWithEvents(open)
    expect(await messagesOf(storage, change(await linesOf(storage)))).toEqual(finds)
  })

  it("a blank line changes nothing", async () => {
    const storage = await openWithEvents(open)
    const lines = await linesOf(storage)
    expect(await messagesOf(storage, ["", ...lines.toSpliced(3, 0, " "), ""])).toEqual([])
  })

  it("of an event that shows its hash only, the sequence number must be the one that comes next", async () => {
    const storage = await openWithEvents(open)
    const lines = await linesOf(storage, { types: [] })
    const forged = lines.with(5, at(lines, 5).replace('"seq":5', '"seq":6'))
    expect(await messagesOf(storage, forged)).toEqual([moved(5, 6)])
  })

  it("hashes that were folded into the nodes above them are found, though the root is the same", async () => {
    const storage = await openWithEvents(open)
    const lines = await linesOf(storage, { types: [] })
    // The tree over twelve leaves is a node over the first eight and one over the last four.
    const nodes = [lines.slice(0, 8), lines.slice(8, 12)].map((leaves, seq) => {
      const range = CompactRange.empty()
      for (const leaf of leaves) range.append(hashOf(leaf))
      const leafHash = Buffer.from(range.root()).toString("base64")
      return JSON.stringify({ kind: "leaf", logId: logIdOf(at(lines, 0)), seq, leafHash })
    })
    expect(await messagesOf(storage, [...nodes, ...lines.slice(12)])).toEqual([notItsEvents])
  })

  it.for([31, 33, 0])("a hash of %i bytes is found", async (size) => {
    const storage = await openWithEvents(open)
    const lines = await linesOf(storage, { types: [] })
    const hash = Buffer.concat([hashOf(at(lines, 5)), Buffer.of(0)]).subarray(0, size)
    const forged = JSON.stringify({ ...JSON.parse(at(lines, 5)), leafHash: hash.toString("base64") })
    expect(await messagesOf(storage, lines.with(5, forged))).toEqual([notItsEvents])
  })

  it("a log whose head is missing is found when another one begins, whichever way that begins", async () => {
    const { storage, logId, otherLogId, start } = await aWitnessedPast(open)
    const lines = await linesOf(storage)
    const [pruned, other] = [logId, otherLogId].map((id) => lines.filter((line) => line.includes(id)))
    if (pruned === undefined || other === undefined) throw new Error("there are two logs")
    expect(JSON.parse(at(pruned, 0))).toMatchObject({ kind: "start", size: start })
    const end = at(lines, lines.length - 1)
    expect(await messagesOf(storage, [...other, ...pruned, end])).toEqual([])
    expect(await messagesOf(storage, [...pruned, ...other, end])).toEqual([])
    expect(await messagesOf(storage, [...other.slice(0, -1), ...pruned, end])).toEqual([headMissing])
    expect(await messagesOf(storage, [...pruned.slice(0, -1), ...other, end])).toEqual([
      `line ${pruned.length} is of another log, and its head has not come yet`,
    ])
  })

  it("an edited event whose hash was made to fit still does not fit its head", async () => {
    const storage = await openWithEvents(open)
    const lines = await linesOf(storage)
    const hash = JSON.parse(at(lines, 6)).leafHash
    const forged = lines.with(5, at(lines, 5).replace(JSON.parse(at(lines, 5)).leafHash, hash))
    expect(await kindsOf(storage, forged)).toEqual(["event-edited", "events-changed"])
  })

  it("no change of one character goes unnoticed", async () => {
    const storage = await openWithEvents(open, 2)
    const text = (await linesOf(storage)).join("\n")
    const place = fc.record({ index: fc.nat(text.length - 1), code: fc.integer({ min: 33, max: 126 }) })
    await fc.assert(
      fc.asyncProperty(place, async ({ index, code }) => {
        const changed = `${text.slice(0, index)}${String.fromCharCode(code)}${text.slice(index + 1)}`
        fc.pre(JSON.stringify(meaningOf(changed)) !== JSON.stringify(meaningOf(text)))
        expect((await verifyAuditExport(changed.split("\n"), keyOf(storage))).isIntact).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
}

/** Base64 and JSON have several spellings of one thing; only what is meant can be proven. */
function meaningOf(text: string): unknown[] {
  return text.split("\n").map((line) => {
    try {
      const { leafHash, rootHash, signature, ...rest } = JSON.parse(line)
      const bytes = [leafHash, rootHash, signature].map((one) =>
        Buffer.from(one ?? "", "base64").toString("hex"),
      )
      return [rest, bytes]
    } catch {
      return line
    }
  })
}

function at(lines: readonly string[], index: number): string {
  return lines[index] ?? ""
}

function logIdOf(line: string): string {
  return JSON.parse(line).logId
}

function hashOf(line: string): Buffer {
  return Buffer.from(JSON.parse(line).leafHash, "base64")
}

function swap(lines: readonly string[], left: number, right: number): string[] {
  return lines.with(left, at(lines, right)).with(right, at(lines, left))
}
