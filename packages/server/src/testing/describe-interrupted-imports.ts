import { request } from "node:http"
import { Readable } from "node:stream"
import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { giveUpAbandoned } from "../features/project-archive/index.ts"
import { exported, imported, recordsOf } from "./archive-bench.ts"
import { countsOf, fill, fillLarge } from "./full-project.ts"
import { anInstance, aProject, TestApp } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>

/** For machines that are busy. */
const patience = { timeout: 100_000 }
const testLimitMs = 120_000

const own = (bench: Workbench) => `/v1/projects/${bench.project}`

/** Imports that end in the middle, wait, or meet another one. */
export function describeInterruptions(make: Make, open: OpenTestStorage): void {
  it(
    "an import that is cut off was never visible, leaves nothing, and can be made again",
    async () => {
      const bench = await make()
      await fillLarge(bench)
      const { archive, keys } = await exported(bench)
      const target = await anInstance(await open())
      const { http } = target.test.app
      const url = await http.listen({ host: "127.0.0.1", port: 0 })
      try {
        const client = request(`${url}/api/coffer/v1/projects/archive`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${target.adminToken}`,
            "content-type": "application/octet-stream",
            "content-length": archive.length,
            "x-coffer-archive-identity": keys.identity,
          },
        }).on("error", () => undefined)
        client.write(archive.subarray(0, Math.floor(archive.length * 0.9)))
        await expect.poll(async () => (await countsOf(target)).versions, patience).toBeGreaterThan(0)
        expect(await countsOf(target)).toMatchObject({ visible: 0, projects: 1 })
        client.destroy()
        await expect.poll(() => countsOf(target), patience).toEqual({ visible: 0, projects: 0, versions: 0 })
      } finally {
        await http.close()
      }
      const again = { ...target, test: new TestApp(target.test.storage) }
      expect((await imported(again, archive, keys)).status).toBe(200)
    },
    testLimitMs,
  )

  it(
    "what a server that died left behind is removed at the next start, and nothing else",
    async () => {
      const bench = await make()
      await fillLarge(bench)
      const { archive, keys } = await exported(bench)
      const target = await anInstance(await open())
      const other = await aProject(target, { name: "Untouched" })
      let release = () => {}
      const stalled = new Promise<void>((resolve) => {
        release = resolve
      })
      const reached = new Promise<void>((resolve) => {
        const upload = async function* () {
          yield archive.subarray(0, archive.length - 10)
          resolve()
          await stalled
          yield archive.subarray(archive.length - 10)
        }
        imported(target, Readable.from(upload()), keys).then(
          (answer) => expect(answer.status).toBe(503),
          () => undefined,
        )
      })
      await reached
      await expect.poll(async () => (await countsOf(target)).projects, patience).toBe(2)
      const { reader } = target.test.storage.database
      const staged = await reader
        .selectFrom("project")
        .select(["id", "slug"])
        .where("is_hidden", "=", 1)
        .execute()
      expect(staged).toHaveLength(1)
      for (const path of [`/v1/projects/${bench.project}`, `/v1/projects/slug/${staged[0]?.slug}`]) {
        const { adminToken: token } = target
        expect((await target.test.call("GET", path, { token })).status).toBe(404)
      }
      const again = await imported(target, archive, keys)
      expect(again).toMatchObject({
        status: 409,
        body: { message: expect.stringContaining("is being imported") },
      })
      const { features, removal } = target.test.app
      await giveUpAbandoned(features)
      await removal.runOnce()
      expect((await countsOf(target)).projects).toBe(2)
      await giveUpAbandoned(features, { isOnlyProcess: true })
      await removal.runOnce()
      expect(await countsOf(target)).toEqual({ visible: 1, projects: 1, versions: 0 })
      release()
      await expect.poll(async () => (await countsOf(target)).projects, patience).toBe(1)
      expect((await imported(target, archive, keys)).status).toBe(200)
      expect(
        (await target.test.call("GET", `/v1/projects/${other.id}`, { token: target.adminToken })).status,
      ).toBe(200)
    },
    testLimitMs,
  )

  it("of two imports of one archive at once, one is made and the other is told", async () => {
    const bench = await make()
    await fill(bench)
    const { archive, keys } = await exported(bench)
    const target = await anInstance(await open())
    const answers = await Promise.all([imported(target, archive, keys), imported(target, archive, keys)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(await countsOf(target)).toMatchObject({ visible: 1, projects: 1 })
  })

  it("another server that knew the project before opens and seals nothing with the key that is gone", async () => {
    const storage = await open()
    const bench = await aWorkbench(storage)
    const { adminToken: token } = bench.instance
    await bench.put("A", "1")
    // On PostgreSQL a process of its own; SQLite has one process, so its caches are at stake.
    const isShared = storage.database.kind === "postgres"
    const second = new TestApp(isShared ? await open({ sameAs: storage, clock: storage.clock }) : storage)
    const place = { projectId: bench.project, environment: "prod" }
    const read = `/v4/secrets/A?projectId=${bench.project}&environment=prod`
    await second.ok("PATCH", "/v4/secrets/A", { token, body: { ...place, secretValue: "2" } })
    expect((await second.ok("GET", read, { token })).secret.secretValue).toBe("2")
    const { archive, keys } = await exported(bench)
    await bench.ok("DELETE", own(bench))
    expect((await imported(bench.instance, archive, keys)).status).toBe(200)
    expect((await bench.read("A")).body.secret.secretValue).toBe("2")
    expect((await second.ok("GET", read, { token })).secret.secretValue).toBe("2")
    await second.ok("PATCH", "/v4/secrets/A", { token, body: { ...place, secretValue: "3" } })
    expect((await bench.read("A")).body.secret.secretValue).toBe("3")
    expect((await second.ok("GET", read, { token })).secret.secretValue).toBe("3")
    expect((await second.ok("GET", `${read}&version=1`, { token })).secret.secretValue).toBe("1")
  })

  it("an export that meets a damaged row breaks off, says so in the log, and is no archive", async () => {
    const bench = await make()
    const { id } = await bench.put("A", "1")
    const { database, log } = bench.instance.test.storage
    await database.write(({ db }) =>
      db
        .updateTable("secret_version")
        .set({ value_sealed: new Uint8Array(64) })
        .where("secret_id", "=", id)
        .execute(),
    )
    const outcome = await exported(bench)
      .then(
        ({ archive, keys }) => recordsOf(archive, keys),
        (error: unknown) => error,
      )
      .catch((error: unknown) => error)
    expect(outcome).toBeInstanceOf(Error)
    expect(log.entries).toContainEqual(
      expect.objectContaining({ level: "error", message: "the export of a project failed" }),
    )
  })
}
