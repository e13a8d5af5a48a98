/** The same test on every database, with a server that is killed in it; on PostgreSQL the database is killed in turn. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describeWithPostgres } from "@coffer/testkit"
import { afterAll, beforeAll, it } from "vitest"
import { ChildProcesses, type Environment } from "../apps/coffer/src/demo/processes.ts"
import { AwayServer } from "./away-server.ts"

/** Kills, and starts again; resolves when the server answers on its port again. */
export type Kill = () => Promise<void>

type Survival = {
  readonly name: string
  /** Further settings of the server; `folder` is the test's own. */
  readonly settings?: (folder: string) => Environment
  readonly limitMs: number
}

export function itSurvivesKills(
  { name, settings = () => ({}), limitMs }: Survival,
  survives: (away: AwayServer, kill: Kill, folder: string) => Promise<void>,
): void {
  let folder: string
  let processes: ChildProcesses
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-killed-"))
    processes = new ChildProcesses()
  })
  afterAll(async () => {
    await processes?.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  it(
    `SQLite: ${name}`,
    async () => {
      const own = join(folder, "sqlite")
      const away = await AwayServer.start(processes, own, settings(own))
      await survives(away, () => killServer(away), own)
    },
    limitMs,
  )

  describeWithPostgres(
    "PostgreSQL",
    (postgres) => {
      it(
        `PostgreSQL: ${name}`,
        async () => {
          const own = join(folder, "postgres")
          const away = await AwayServer.start(processes, own, {
            DB_CONNECTION_URI: await postgres().createDatabase(),
            ROOT_ENCRYPTION_KEY: Buffer.alloc(32, 11).toString("base64"),
            ...settings(own),
          })
          let kills = 0
          const kill = async () => {
            kills += 1
            if (kills % 2 === 1) return await killServer(away)
            await postgres().crash()
            await postgres().startAgain()
          }
          await survives(away, kill, own)
        },
        limitMs,
      )
    },
    { isDurable: true },
  )
}

async function killServer(away: AwayServer): Promise<void> {
  await away.server.process().kill()
  await away.server.start()
}

/** Every event of some types in the audit log, oldest last. */
export async function auditEventsOf(
  away: AwayServer,
  projectId: string,
  types: string,
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape
): Promise<readonly any[]> {
  const pageSize = 500
  const events = []
  for (let offset = 0; ; offset += pageSize) {
    const query = `projectId=${projectId}&eventType=${types}&offset=${offset}&limit=${pageSize}`
    const { body } = await away.ask("GET", `/v1/organization/audit-logs?${query}`)
    events.push(...body.auditLogs.map((one: { event: unknown }) => one.event))
    if (body.auditLogs.length < pageSize) return events
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
