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
})

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
