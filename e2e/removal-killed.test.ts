/**
 * The server, and PostgreSQL under it, die while a project is deleted and while its rows are removed. A deletion is made
 * whole or not at all, and after the next start nothing of the project is left in any table, by itself.
 */
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import pg from "pg"
import { expect } from "vitest"
import type { AwayServer } from "./away-server.ts"
import { itSurvivesKills, type Kill, pause } from "./killed-server.ts"

const secretsPerFolder = 1_000
const folders = 3
const patience = { timeout: 60_000, interval: 20 }

itSurvivesKills(
  {
    name: "a project that was being deleted when its server was killed is gone, or all there",
    limitMs: 900_000,
  },
  async (away, kill) => {
    const rows = await RowsOf.open(away)
    await killInRemoval(away, kill, rows)
    await killInRemoval(away, kill, rows)
    await killInDeletion(away, kill, rows)
    await killInDeletion(away, kill, rows)
    expect(await away.verifyAudit()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("intact") })
  },
)

/** The deletion is answered; the kill comes while rows are removed. */
async function killInRemoval(away: AwayServer, kill: Kill, rows: RowsOf): Promise<void> {
  for (let tries = 0; tries < 10; tries += 1) {
    const id = await aProject(away, "Removed")
    const all = await rows.count(id)
    expect((await away.ask("DELETE", `/v1/projects/${id}`)).status).toBe(200)
    await expect.poll(() => rows.count(id), { ...patience, interval: 1 }).toBeLessThan(all)
    // Who looks too late, on a machine that is busy, finds it done, and looks at another one.
    const isUnderWay = (await rows.count(id)) > 0
    if (isUnderWay) await kill()
    await expectGone(away, rows, id)
    if (isUnderWay) return
  }
  throw new Error("no removal was seen under way")
}

/** The kill comes somewhere in the deletion. */
async function killInDeletion(away: AwayServer, kill: Kill, rows: RowsOf): Promise<void> {
  const id = await aProject(away, "Deleted")
  const all = await rows.count(id)
  const sent = away.ask("DELETE", `/v1/projects/${id}`).catch(() => undefined)
  await pause(Math.random() * 20)
  await kill()
  const answer = await sent
  await away.untilBack(() => away.ask("GET", "/v1/projects"), 20_000)
  const after = await away.ask("GET", `/v1/projects/${id}`)
  if (answer?.status === 200 || after.status === 404) return await expectGone(away, rows, id)
  expect(after.status).toBe(200)
  expect(await rows.count(id)).toBe(all)
  const list = await away.must("GET", `/v4/secrets?projectId=${id}&environment=prod&recursive=true`)
  expect(list.secrets).toHaveLength(folders * secretsPerFolder)
  expect((await away.ask("DELETE", `/v1/projects/${id}`)).status).toBe(200)
  await expectGone(away, rows, id)
}

async function expectGone(away: AwayServer, rows: RowsOf, id: string): Promise<void> {
  await away.untilBack(() => away.ask("GET", "/v1/projects"), 20_000)
  expect((await away.ask("GET", `/v1/projects/${id}`)).status).toBe(404)
  // A machine that is busy takes its time for so many rows: it is enough that they become fewer.
  for (let left = await rows.count(id); left > 0; ) {
    const before = left
    const look = async () => {
      left = await rows.count(id)
      return left
    }
    await expect.poll(look, patience).toBeLessThan(before)
  }
}

async function aProject(away: AwayServer, projectName: string): Promise<string> {
  const { project } = await away.must("POST", "/v1/projects", { projectName })
  const place = { projectId: project.id, environment: "prod" }
  for (let folder = 0; folder < folders; folder += 1) {
    const secrets = Array.from({ length: secretsPerFolder }, (_, index) => ({
      secretKey: `KEY_${index}`,
      secretValue: `value ${index}`,
    }))
    await away.must("POST", "/v2/folders", { ...place, name: `f${folder}`, path: "/" })
    await away.must("POST", "/v4/secrets/batch", { ...place, secretPath: `/f${folder}`, secrets })
  }
  return project.id
}

/** How many rows name a project, in whatever table but the audit log. */
class RowsOf {
  readonly #away: AwayServer
  readonly #tables: readonly string[]

  private constructor(away: AwayServer, tables: readonly string[]) {
    this.#away = away
    this.#tables = tables
  }

  static async open(away: AwayServer): Promise<RowsOf> {
    const isPostgres = away.settings["DB_CONNECTION_URI"] !== undefined
    const listing = isPostgres
      ? `select table_name as name from information_schema.columns
         where table_schema = current_schema() and column_name = 'project_id'`
      : `select t.name from sqlite_master as t, pragma_table_info(t.name) as c
         where t.type = 'table' and c.name = 'project_id'`
    const names = (await query(away, listing)).map(({ name }) => String(name))
    expect(names).toContain("secret_version")
    return new RowsOf(
      away,
      names.filter((name) => name !== "audit_event"),
    )
  }

  async count(projectId: string): Promise<number> {
    // The ids of projects are UUIDs.
    const ofTables = this.#tables.map(
      (name) => `select count(*) as n from ${name} where project_id = '${projectId}'`,
    )
    ofTables.push(`select count(*) as n from project where id = '${projectId}'`)
    const rows = await query(this.#away, ofTables.join(" union all "))
    return rows.reduce((sum, { n }) => sum + Number(n), 0)
  }
}

async function query(away: AwayServer, text: string): Promise<readonly Record<string, unknown>[]> {
  const connectionString = away.settings["DB_CONNECTION_URI"]
  if (connectionString === undefined) {
    const database = new DatabaseSync(join(away.dataFolder, "coffer.db"), { readOnly: true })
    try {
      return database.prepare(text).all()
    } finally {
      database.close()
    }
  }
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
