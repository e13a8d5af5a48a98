import { describeDatabase, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { anEvent } from "../db/testing/rows.ts"
import { newestHead } from "./audit-reader.ts"
import { createCheckpoint, exportAuditLogs, readPublishedHeads, verifyAuditExport } from "./index.ts"
import { headLine } from "./publication.ts"
import type { PublishedHead } from "./published-heads.ts"
import { aWitnessedPast } from "./testing/witnessed-past.ts"

const nothing = { projectIds: [], actorIds: [] }

describeDatabase("sqlite", "heads that were kept elsewhere", (open) => {
  keptHeads(open)
  comparedHeads(open)
})

const keyOf = ({ keyring }: TestStorage) => keyring.auditPublicKeyBytes

/** Records events in batches of the given sizes; the head line after each. */
async function recordInBatches(storage: TestStorage, sizes: readonly number[]): Promise<string[]> {
  const lines: string[] = []
  for (const size of sizes) {
    const events = Array.from({ length: size }, () => anEvent(storage.random.uuid()))
    await storage.database.record(events, nothing)
    const { id } = await logRow(storage)
    const head = await newestHead(storage.database.reader, id)
    if (head !== undefined) lines.push(headLine(id, head))
  }
  return lines
}

function logRow({ database }: TestStorage) {
  return database.reader.selectFrom("audit_log").select("id").executeTakeFirstOrThrow()
}

async function exportOf({ database }: TestStorage): Promise<string[]> {
  const lines: string[] = []
  for await (const { line } of exportAuditLogs(database.reader)) lines.push(line)
  return lines
}

function keptHeads(open: OpenTestStorage): void {
  it.for([
    { order: [0, 1, 2] },
    { order: [2, 1, 0] },
    { order: [1, 2, 0] },
    { order: [2, 2, 1, 2] },
  ])("of a log the newest one counts, in whichever order they stand: $order", async ({ order }) => {
    const storage = await open()
    const lines = await recordInBatches(storage, [2, 1, 3])
    const kept = await readPublishedHeads(
      order.map((index) => lines[index] ?? ""),
      keyOf(storage),
    )
    expect(kept).toEqual([JSON.parse(lines[2] ?? "")])
    expect(kept).toMatchObject([{ size: 6 }])
  })

  it("are taken of each log by itself", async () => {
    const { storage, logId, otherLogId, end } = await aWitnessedPast(open)
    const kept = await readPublishedHeads(await exportOf(storage), keyOf(storage))
    expect(new Map(kept.map((head) => [head.logId, head.size]))).toEqual(
      new Map([
        [logId, end],
        [otherLogId, 5],
      ]),
    )
  })

  it("are read past a line that was cut in two, and one that only looks like a head", async () => {
    const storage = await open()
    const [line = ""] = await recordInBatches(storage, [2])
    const lines = [line.slice(0, 80), '{"kind":"head","size":1}', line]
    expect(await readPublishedHeads(lines, keyOf(storage))).toMatchObject([{ size: 2 }])
  })

  it.for([
    { what: "a changed size", change: (line: string) => line.replace('"size":3', '"size":4') },
    {
      what: "the id of a log in a spelling that none has",
      change: (line: string) => line.replace(/"logId":"[^"]*"/, (id) => `"logId${id.slice(6).toUpperCase()}`),
    },
  ])("with $what are refused, and the line is named", async ({ change }) => {
    const storage = await open()
    const [first = "", second = ""] = await recordInBatches(storage, [2, 1])
    const changed = change(second)
    expect(changed).not.toBe(second)
    await expect(readPublishedHeads([first, changed], keyOf(storage))).rejects.toMatchObject({
      code: "CheckpointInvalid",
      message: expect.stringMatching(/^Line 2: the head is of another database, or was changed/),
    })
  })

  it("are read from the file of a checkpoint, on one line or on several", async () => {
    const storage = await open()
    await recordInBatches(storage, [2, 1])
    const checkpoint = await createCheckpoint(storage.database.reader, storage.keyring, 1)
    for (const text of [JSON.stringify(checkpoint), JSON.stringify(checkpoint, undefined, 2)]) {
      const kept = await readPublishedHeads(text.split("\n"), keyOf(storage))
      expect(kept).toMatchObject([{ size: 3 }])
    }
  })
}

function comparedHeads(open: OpenTestStorage): void {
  const otherRoot = Buffer.alloc(32, 1).toString("base64")

  it("prove that a log was continued otherwise behind a restored backup", async () => {
    const storage = await open()
    const kept = await readPublishedHeads(await recordInBatches(storage, [2, 3]), keyOf(storage))
    await storage.database.write(async ({ db }) => {
      await db.deleteFrom("audit_event").where("seq", ">=", 2).execute()
      await db.deleteFrom("audit_head").where("size", ">", 2).execute()
    })
    await storage.database.close()
    const again = await open({ sameAs: storage })
    await recordInBatches(again, [4, 4])
    const lines = await exportOf(again)
    expect(await verifyAuditExport(lines, keyOf(again))).toMatchObject({ isIntact: true })
    const { findings } = await verifyAuditExport(lines, keyOf(again), kept)
    expect(findings).toMatchObject([{ kind: "log-replaced", seq: 0 }])
    expect(findings[0]?.message).toMatch(/its beginning of 5 events is not that of the checkpoint$/)
  })

  it("are compared where retention cut a log, and before that place are said to prove nothing", async () => {
    const { storage, logId, start } = await aWitnessedPast(open)
    const lines = await exportOf(storage)
    const compared = (size: number) => {
      const head: PublishedHead = { logId, size, rootHash: otherRoot }
      return verifyAuditExport(lines, keyOf(storage), [head])
    }
    for (const size of [start, start + 1]) {
      expect(await compared(size)).toMatchObject({ findings: [{ kind: "log-replaced", logId }], notes: [] })
    }
    const note = `log ${logId}: the checkpoint has ${start - 1} events; retention removed the first ${start}, so it proves nothing here`
    expect(await compared(start - 1)).toMatchObject({ isIntact: true, notes: [note] })
  })
}
