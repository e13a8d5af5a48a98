import { describeDatabase, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import { anEvent } from "../../db/testing/rows.ts"
import {
  createCheckpoint,
  type ExportFilter,
  exportAuditLogs,
  readPublishedHeads,
  verifyAuditExport,
} from "../index.ts"
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

async function linesOf({ database }: TestStorage, filter: ExportFilter = {}): Promise<string[]> {
  const lines: string[] = []
  for await (const { line } of exportAuditLogs(database.reader, filter)) lines.push(line)
  return lines
}

const keyOf = ({ keyring }: TestStorage) => keyring.auditPublicKeyBytes
const kindsOf = async (storage: TestStorage, lines: readonly string[]) =>
  (await verifyAuditExport(lines, keyOf(storage))).findings.map(({ kind }) => kind)

export function describeExport(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "an export of the audit log", (open) => {
    wholeExports(open)
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

function changedExports(open: OpenTestStorage): void {
  it.for([
    { what: "an edited event", change: (lines: string[]) => lines.with(5, at(lines, 5).replace("e5", "e6")) },
    { what: "a removed event", change: (lines: string[]) => lines.toSpliced(5, 1) },
    { what: "two events that were swapped", change: (lines: string[]) => swap(lines, 4, 5) },
    { what: "an event that was added", change: (lines: string[]) => lines.toSpliced(5, 0, at(lines, 5)) },
    { what: "a missing head", change: (lines: string[]) => lines.toSpliced(12, 1) },
    { what: "a missing end", change: (lines: string[]) => lines.slice(0, -1) },
    { what: "a second copy", change: (lines: string[]) => [...lines.slice(0, -1), ...lines] },
    {
      what: "a last line that counts wrong",
      change: (lines: string[]) => lines.with(13, at(lines, 13).replace("12", "11")),
    },
    { what: "a line that is none", change: (lines: string[]) => lines.toSpliced(3, 0, "{}") },
  ])("$what is found", async ({ change }) => {
    const storage = await openWithEvents(open)
    const report = await verifyAuditExport(change(await linesOf(storage)), keyOf(storage))
    expect(report.isIntact).toBe(false)
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

function swap(lines: readonly string[], left: number, right: number): string[] {
  return lines.with(left, at(lines, right)).with(right, at(lines, left))
}
