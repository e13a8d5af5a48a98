/** What retention keeps for streams that have not had it, on both databases. */
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import { findings, idsOf, openWith, record, retain } from "./retention-conformance.ts"

const dayMs = 86_400_000
const otherLog = "0c1f7a52-5a3d-4a55-8a5f-3f5f0b6a2f11"

/** A stream that goes on at `next` in the log of this process, one that is further, and one that knows another log only. */
async function streamsAt({ database }: TestStorage, next: number): Promise<void> {
  const { id } = await database.reader.selectFrom("audit_log").select("id").executeTakeFirstOrThrow()
  await database.write(async ({ db }) => {
    const cursors = [
      { stream_id: "behind", log_id: id, next_seq: next, delivered_at: 0 },
      { stream_id: "further", log_id: id, next_seq: next + 3, delivered_at: 0 },
      { stream_id: "elsewhere", log_id: otherLog, next_seq: 0, delivered_at: 0 },
    ]
    await db.insertInto("audit_stream_cursor").values(cursors).execute()
  })
}

export function streamHoldConformance(open: OpenTestStorage): void {
  describe("what a stream has not had", () => {
    it("is removed a week later than the rest, and no later", async () => {
      const storage = await openWith(open, { organization: 1 })
      await streamsAt(storage, 3)
      await record(storage, 6)
      storage.clock.advance(2 * dayMs)
      await retain(storage)
      expect(await idsOf(storage)).toEqual(["e3", "e4", "e5"])
      storage.clock.advance(7 * dayMs)
      await retain(storage)
      expect(await idsOf(storage)).toEqual([])
      expect(await findings(storage)).toEqual([])
    })

    it("is kept with the whole batch that it ends", async () => {
      const storage = await openWith(open, { organization: 1 })
      await streamsAt(storage, 2)
      await record(storage, 3)
      storage.clock.advance(2 * dayMs)
      await retain(storage)
      expect(await idsOf(storage)).toEqual(["e0", "e1", "e2"])
    })

    it("is emptied a week later than the rest, and no later", async () => {
      const storage = await openWith(open, { organization: 365, project: 1 })
      await streamsAt(storage, 4)
      await record(storage, 6)
      storage.clock.advance(2 * dayMs)
      await retain(storage)
      expect(await idsOf(storage)).toEqual(["", "e1", "", "e3", "e4", "e5"])
      storage.clock.advance(7 * dayMs)
      await retain(storage)
      expect(await idsOf(storage)).toEqual(["", "e1", "", "e3", "", "e5"])
      expect(await findings(storage)).toEqual([])
    })
  })
}
