import { describeDatabase } from "@coffer/testkit"
import { expect, it, vi } from "vitest"
import type { Database } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { countRows } from "../../testing/tables.ts"
import { aWorkbench } from "../../testing/workbench.ts"

/** The next write is committed, and its answer lost: to its caller it failed, and nothing that comes after it runs. */
function loseAnswerOfNextWrite(database: Database): void {
  const write = database.write.bind(database)
  vi.spyOn(database, "write").mockImplementationOnce(async (work) => {
    await write((scope) => work({ ...scope, afterCommit: () => undefined }))
    throw new AppError("unavailable", "DatabaseUnavailable", "The database went away")
  })
}

describeDatabase("sqlite", "a deletion of which only the answer was lost", (open) => {
  it("was made, and what the project held is removed without anybody telling once more", async () => {
    const storage = await open()
    const bench = await aWorkbench(storage)
    await bench.put("A", "1")
    const { removal } = bench.instance.test.app
    removal.start()
    loseAnswerOfNextWrite(storage.database)
    expect((await bench.call("DELETE", `/v1/projects/${bench.project}`)).status).toBe(503)
    await expect.poll(() => countRows(storage.database, "project", bench.project)).toBe(0)
    await removal.stop()
  })
})
