/**
 * The server, and PostgreSQL under it, die while the audit log is published to a file. Every event of the log is in the
 * file, as it is in the log; a crash may repeat what came last, and may leave part of a line.
 */
import { mkdir, readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { expect } from "vitest"
import { runCoffer } from "../apps/coffer/src/demo/processes.ts"
import type { AwayServer } from "./away-server.ts"
import { itSurvivesKills, pause } from "./killed-server.ts"
import { aBook, Writer } from "./killed-writers.ts"

const fewestKills = 6
const fewestAcknowledged = 50
const writers = ["w1", "w2"]
/** A server that dies keeps the others from its stream for a minute. */
const longestWaitMs = 120_000

const fileIn = (folder: string) => join(folder, "not-there-at-first", "audit.ndjson")

itSurvivesKills(
  {
    name: "whatever moment the server is killed at, the file has every event",
    settings: (folder) => ({ COFFER_AUDIT_STREAM_FILE: fileIn(folder) }),
    limitMs: longestWaitMs + 150_000,
  },
  async (away, kill, folder) => {
    for (const name of [...writers, "moved"]) {
      expect((await away.ask("POST", "/v2/folders", { name, path: "/" })).status).toBe(200)
    }
    const stop = new AbortController()
    const book = aBook()
    const writing = Promise.all(writers.map((name) => new Writer(away, book, name).run(stop.signal)))
    let kills = 0
    // On a slow machine more of them are needed until enough was acknowledged.
    while (kills < fewestKills || (book.acknowledged <= fewestAcknowledged && kills < 5 * fewestKills)) {
      await pause(300 + Math.random() * 1_500)
      await kill()
      kills += 1
      // What happened while the file could not be written is told of by a later process.
      if (kills === 2) await mkdir(dirname(fileIn(folder)))
    }
    stop.abort()
    await writing
    await away.untilBack(() => away.list(), 20_000)
    expect(book.acknowledged).toBeGreaterThan(fewestAcknowledged)

    const inLog = await exportOf(away)
    const published = () => publishedIn(fileIn(folder))
    const missing = async () => {
      const { events } = await published()
      return inLog.filter(({ logId, seq }) => !events.has(placeOf(logId, seq))).length
    }
    await expect.poll(missing, { timeout: longestWaitMs, interval: 1_000 }).toBe(0)
    const { events, gaps, torn } = await published()
    for (const { logId, seq, line } of inLog) {
      const copies = events.get(placeOf(logId, seq)) ?? []
      expect(new Set(copies)).toEqual(new Set([line]))
      expect(copies.length).toBeLessThanOrEqual(1 + kills)
    }
    expect(gaps).toEqual([])
    expect(torn.length).toBeLessThanOrEqual(kills)
    expect(await away.verifyAudit()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("intact") })
  },
)

type InLog = {
  readonly logId: string
  readonly seq: number
  readonly line: string
}

const placeOf = (logId: string, seq: number) => `${logId} ${seq}`

async function exportOf(away: AwayServer): Promise<readonly InLog[]> {
  const done = await runCoffer(["audit", "export", "--data-dir", away.dataFolder], {
    ...away.server.env,
    ...away.settings,
  })
  expect(done, done.stderr).toMatchObject({ exitCode: 0 })
  const lines = done.stdout.split("\n").filter((line) => line !== "")
  const records = lines.map((line) => ({ ...JSON.parse(line), line }))
  const inLog = records.filter(({ kind }) => kind === "event")
  expect(inLog.length).toBeGreaterThan(fewestAcknowledged)
  expect(inLog.map(({ seq }) => seq)).toContain(0)
  return inLog
}

async function publishedIn(file: string) {
  const events = new Map<string, string[]>()
  const gaps: string[] = []
  const torn: string[] = []
  for (const line of (await readFile(file, "utf8")).split("\n")) {
    if (line === "") continue
    const record = parsed(line)
    if (record === undefined) torn.push(line)
    else if (record.kind === "gap") gaps.push(line)
    else if (record.kind === "event") {
      const place = placeOf(record.logId, record.seq)
      events.set(place, [...(events.get(place) ?? []), line])
    }
  }
  return { events, gaps, torn }
}

/** `undefined` for part of a line. */
function parsed(line: string) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
