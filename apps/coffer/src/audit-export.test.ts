import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough, Writable } from "node:stream"
import { openStorage, systemClock, systemRandom } from "@coffer/server"
import { pino } from "pino"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { readConfig } from "./config.ts"
import { runCommandLine } from "./program.ts"
import { createTerminal } from "./terminal.ts"

const highWaterMark = 16_384

/** Stdout that is read slowly: a turn for each chunk. Counts what is written although it had asked to wait. */
class SlowReader extends Writable {
  lines = 0
  writtenInSpite = 0
  mostHeld = 0

  constructor() {
    super({ highWaterMark, decodeStrings: false })
  }

  override write(chunk: unknown): boolean {
    if (this.writableNeedDrain) this.writtenInSpite += 1
    const isRoom = super.write(chunk)
    this.mostHeld = Math.max(this.mostHeld, this.writableLength)
    return isRoom
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.lines += chunk.split("\n").length - 1
    setImmediate(done)
  }
}

describe("coffer audit export to a slow reader", () => {
  const events = 3_000
  let folder = ""

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-export-"))
    const log = pino({ level: "silent" })
    const storage = await openStorage(
      { dataFolder: folder },
      { clock: systemClock, random: systemRandom, log },
    )
    const nothing = { projectIds: [], actorIds: [] }
    await storage.database.record(
      Array.from({ length: events }, (_, index) => ({
        id: `event-${index}`,
        at: 1,
        type: "get-secret",
        orgId: "org",
        projectId: null,
        actor: { type: "platform" },
        source: { ipAddress: "", userAgent: "", userAgentType: "other", requestId: "" },
        metadata: {},
      })),
      nothing,
    )
    await storage.database.close()
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.for([
    { format: "ndjson", lines: events + 2 },
    { format: "csv", lines: events + 1 },
  ])("holds no more of the $format than fits before stdout asks to wait", async ({ format, lines }) => {
    const stdout = new SlowReader()
    const stdin = new PassThrough() as unknown as NodeJS.ReadStream
    const { signal } = new AbortController()
    const exitCode = await runCommandLine(["audit", "export", "--data-dir", folder, "--format", format], {
      config: readConfig({ HOME: "/nowhere" }),
      terminal: createTerminal({ stdin, stdout, stderr: new PassThrough() }, signal),
      fetch: () => Promise.reject(new TypeError("fetch failed")),
      clock: () => 0,
      random: () => 0,
      randomBytes: (size) => new Uint8Array(size),
      openBrowser: () => false,
      newId: () => "id",
      signal,
    })
    await new Promise((resolve) => stdout.end(resolve))
    expect(exitCode).toBe(0)
    expect(stdout.lines).toBe(lines)
    expect(stdout.writtenInSpite).toBe(0)
    expect(stdout.mostHeld).toBeLessThan(2 * highWaterMark)
  })
})
