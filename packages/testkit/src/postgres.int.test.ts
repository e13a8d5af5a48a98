import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import pg from "pg"
import { expect, it } from "vitest"
import { describeWithPostgres } from "./postgres.ts"

describeWithPostgres("a PostgreSQL server for tests", (postgres) => {
  it("gives every caller an empty database of its own, also at the same time", async () => {
    const urls = await Promise.all([postgres().createDatabase(), postgres().createDatabase()])
    expect(new Set(urls).size).toBe(2)
    for (const [index, url] of urls.entries()) {
      await query(url, `create table mine as select ${index} as number`)
    }
    expect(await query(urls[0]!, "select number from mine")).toEqual([{ number: 0 }])
    expect(await query(urls[1]!, "select number from mine")).toEqual([{ number: 1 }])
  })

  it("lets nobody in without the password", async () => {
    const url = new URL(postgres().url)
    url.password = "wrong"
    await expect(query(url.href, "select 1")).rejects.toThrow(/password authentication failed/)
  })

  it("ends when the process that started it is killed", async () => {
    const module = fileURLToPath(new URL("./postgres.ts", import.meta.url))
    const script = `
      import { startPostgres } from ${JSON.stringify(module)}
      const postgres = await startPostgres()
      process.stdout.write(JSON.stringify({ server: postgres.pid, url: postgres.url }))`
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    const [answer] = (await once(parent.stdout, "data")) as [Buffer]
    const { server, url } = JSON.parse(answer.toString()) as { server: number; url: string }
    const [row] = (await query(url, "show data_directory")) as [{ data_directory: string }]
    parent.kill("SIGKILL")
    await expect.poll(() => isAlive(server), { timeout: 15_000 }).toBe(false)
    await expect.poll(() => existsSync(dirname(row.data_directory)), { timeout: 15_000 }).toBe(false)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
