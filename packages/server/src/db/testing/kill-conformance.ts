import { spawn } from "node:child_process"
import { once } from "node:events"
import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { verifyAuditLogs } from "../../audit/index.ts"
import { insertProject } from "./rows.ts"

const ROUNDS = 15

/**
 * A process that is killed at any moment loses no acknowledged write and repeats none.
 *
 * @param processes how many write at the same time; the embedded database belongs to one
 */
export function killConformance(open: OpenTestStorage, processes: number): void {
  it(`a restart at any point loses no acknowledged write and repeats none, ${ROUNDS} kills`, async () => {
    let storage = await open()
    await storage.database.write(({ db }) => insertProject(db))
    const acknowledged: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await storage.database.close()
      const { random } = storage
      const outputs = Array.from({ length: processes }, (_, index) => {
        const killAfter = 1 + Math.floor(((random.bytes(1)[0] ?? 0) / 255) * 400)
        return runUntilKilled(storage, `${round}.${index}`, killAfter)
      })
      acknowledged.push(...(await Promise.all(outputs)).flat())
      storage = await open({ sameAs: storage, random: storage.random })
      await expectEverything(storage, acknowledged)
    }
    expect(acknowledged.length).toBeGreaterThan(ROUNDS * 10)
    const report = await verifyAuditLogs(storage.database.reader, storage.keyring.auditPublicKeyBytes)
    expect(report.findings).toEqual([])
  }, 120_000)
}

/** @returns what the process said was durable before it was killed, in the middle of whatever it did then */
async function runUntilKilled(storage: TestStorage, run: string, killAfterLines: number): Promise<string[]> {
  const program = new URL("./acknowledging-writer.ts", import.meta.url).pathname
  const uri = storage.connectionUri === undefined ? [] : [storage.connectionUri.reveal()]
  const child = spawn(process.execPath, [program, storage.dataFolder, run, ...uri], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  let output = ""
  let errors = ""
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString()
  })
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString()
    if (output.split("\n").length > killAfterLines) child.kill("SIGKILL")
  })
  const [code, signal] = await once(child, "close")
  if (signal !== "SIGKILL") throw new Error(`the writer ended by itself with ${code}: ${errors}`)
  // The last line may have been cut: it does not count as said.
  return output.split("\n").slice(0, -1)
}

async function expectEverything({ database }: TestStorage, acknowledged: readonly string[]): Promise<void> {
  const events = await database.reader.selectFrom("audit_event").select("id").execute()
  const changes = await database.reader
    .selectFrom("change")
    .select(["path", "revision"])
    .orderBy("revision")
    .execute()
  const { revision } = await database.reader
    .selectFrom("project")
    .select("revision")
    .executeTakeFirstOrThrow()
  const eventIds = new Set(events.map((event) => event.id))
  const paths = new Set(changes.map((change) => change.path))
  expect(eventIds.size).toBe(events.length)
  expect(paths.size).toBe(changes.length)
  expect(acknowledged.filter((id) => !eventIds.has(id))).toEqual([])
  expect(acknowledged.filter((id) => id.startsWith("write") && !paths.has(id))).toEqual([])
  // Every write is whole: its row, its revision and its event.
  expect(changes.filter((change) => change.path === null || !eventIds.has(change.path))).toEqual([])
  expect(changes.map((change) => change.revision)).toEqual(changes.map((_, index) => index + 1))
  expect(revision).toBe(changes.length)
}
