/**
 * PostgreSQL that crashes and comes back, that closes every connection, and that has none left. What is refused says
 * why and when to try again, and all is well again by itself.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describeWithPostgres } from "@coffer/testkit"
import pg from "pg"
import { afterAll, beforeAll, expect, it } from "vitest"
import { ChildProcesses } from "../apps/coffer/src/demo/processes.ts"
import { AwayServer } from "./away-server.ts"

describeWithPostgres(
  "PostgreSQL that goes away",
  (postgres) => {
    let folder: string
    let processes: ChildProcesses
    let away: AwayServer
    let connectionUri: string

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "coffer-postgres-away-"))
      processes = new ChildProcesses()
      connectionUri = await postgres().createDatabase()
      away = await AwayServer.start(processes, folder, {
        DB_CONNECTION_URI: connectionUri,
        ROOT_ENCRYPTION_KEY: Buffer.alloc(32, 9).toString("base64"),
      })
      await away.client.secrets.create(away.place, "BEFORE", { secretValue: "before" })
    }, 120_000)
    afterAll(async () => {
      await processes?.stopAll()
      await rm(folder, { recursive: true, force: true })
    })

    it("crashed: writes and audited reads are 503 with a reason, and it goes on when the database is back", async () => {
      expect((await away.read("BEFORE")).status).toBe(200)
      await postgres().crash()
      for (const answer of [
        await away.read("BEFORE"),
        await away.list(),
        await away.create("GONE", "gone"),
        await away.read("NOPE"),
      ]) {
        expect(answer).toMatchObject({
          status: 503,
          retryAfter: expect.stringMatching(/^[1-9]\d*$/),
          body: { error: "DatabaseUnavailable", message: expect.stringMatching(/^The database can't be/) },
        })
        expect(JSON.stringify(answer.body)).not.toMatch(/127\.0\.0\.1|coffer:/)
      }
      expect(await away.ask("GET", "/status")).toMatchObject({ status: 503, body: { error: "NotReady" } })

      await postgres().startAgain()

      expect((await away.untilBack(() => away.ask("GET", "/status"), 20_000)).body.message).toBe("Ok")
      expect((await away.untilBack(() => away.read("BEFORE"), 20_000)).body.secret.secretValue).toBe("before")
      expect((await away.read("GONE")).status).toBe(404)
      expect((await away.create("GONE", "now")).status).toBe(200)
      expect(await away.verifyAudit()).toMatchObject({ exitCode: 0 })
    }, 120_000)

    it("every connection cut: it goes on by itself", async () => {
      await Promise.all(Array.from({ length: 8 }, () => away.read("BEFORE")))
      await asAdministrator(async (client) => {
        await client.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()",
        )
      })
      expect((await away.untilBack(() => away.read("BEFORE"), 10_000)).status).toBe(200)
      expect((await away.untilBack(() => away.create("CUT", "x"), 10_000)).status).toBe(200)
      expect(await away.verifyAudit()).toMatchObject({ exitCode: 0 })
    })

    it("rows that somebody else holds: a bounded wait, then 503, and nothing of it later", async () => {
      const holder = new pg.Client({ connectionString: connectionUri })
      await holder.connect()
      try {
        await holder.query("begin")
        await holder.query("select * from project for update")
        const refused = await away.create("HELD", "x")
        expect(refused).toMatchObject({
          status: 503,
          retryAfter: expect.stringMatching(/^[1-9]\d*$/),
          body: { error: "DatabaseUnavailable" },
        })
        expect(refused.tookMs).toBeLessThan(40_000)
        expect((await away.read("BEFORE")).status).toBe(200)
      } finally {
        await holder.query("rollback")
        await holder.end()
      }
      expect((await away.read("HELD")).status).toBe(404)
      expect((await away.create("HELD", "now")).status).toBe(200)
    }, 120_000)

    it("no connection left: those who can't have one are told, and it goes on when there is", async () => {
      const hogs: pg.Client[] = []
      await asAdministrator(async (client) => {
        await client.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()",
        )
      })
      try {
        for (;;) {
          const hog = new pg.Client({ connectionString: connectionUri })
          hog.on("error", () => undefined)
          try {
            await hog.connect()
          } catch {
            break // that was the last one
          }
          hogs.push(hog)
        }
        const answers = await Promise.all(Array.from({ length: 12 }, () => away.create("CROWDED", "x")))
        const refused = answers.filter((answer) => answer.status === 503)
        expect(refused.length).toBeGreaterThan(0)
        for (const answer of refused) expect(answer.body).toMatchObject({ error: "DatabaseUnavailable" })
        expect(answers.every((answer) => [200, 400, 503].includes(answer.status))).toBe(true)
        expect(answers.filter((answer) => answer.status === 200).length).toBeLessThanOrEqual(1)
      } finally {
        await Promise.all(hogs.map((hog) => hog.end()))
      }
      expect((await away.untilBack(() => away.read("BEFORE"), 20_000)).status).toBe(200)
      expect(await away.verifyAudit()).toMatchObject({ exitCode: 0 })
    }, 120_000)

    async function asAdministrator(work: (client: pg.Client) => Promise<void>): Promise<void> {
      const client = new pg.Client({ connectionString: connectionUri })
      await client.connect()
      await work(client).finally(() => client.end())
    }
  },
  { isDurable: true },
)
