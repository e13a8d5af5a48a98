import { describeDatabase, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import { afterEach, expect, it, vi } from "vitest"
import { reachesBackTo } from "../events/index.ts"
import { isStillThere } from "../features/project-archive/snapshot-store.ts"
import { removeSlice } from "../features/project-removal/store.ts"
import { exported, imported } from "./archive-bench.ts"
import { fill } from "./full-project.ts"
import { countRows, tablesOf } from "./tables.ts"
import { aMachine, TestApp } from "./test-app.ts"
import { aPost, type Post } from "./webhook-post.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

/** For machines that are busy. */
const patience = { timeout: 100_000 }
const testLimitMs = 120_000

const own = (bench: Workbench) => `/v1/projects/${bench.project}`

const posts: Post[] = []
afterEach(async () => {
  for (const post of posts.splice(0)) await post.close()
})

/** Deleted projects, and how their rows go, on either database. */
export function describeProjectRemoval(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "a deleted project", (open) => {
    describeEnd(open)
    describeRows(open)
  })
}

/** A project with a row in every table that tells of projects. */
async function aFullProject(storage: TestStorage): Promise<Post> {
  const post = await aPost(storage)
  posts.push(post)
  const { bench } = post
  const { test, adminToken: token } = bench.instance
  await fill(bench)
  await bench.ok("PATCH", own(bench), { slug: "billing-first" })
  await bench.ok("PATCH", own(bench), { slug: "billing-second" })
  const group = await test.ok("POST", "/v1/groups", { token, body: { name: "sre" } })
  await bench.ok("POST", `${own(bench)}/groups/${group.id}`, { role: "viewer" })
  const projects = [{ projectId: bench.project, role: "viewer" }]
  await test.ok("POST", "/coffer/v1/invitations", { token, body: { email: "bob@acme.test", projects } })
  await post.create()
  await bench.put("TOLD", "1")
  await post.worker.runOnce()
  post.receiver.behave = (response) => response.writeHead(500).end()
  await bench.put("NOT_TOLD", "1")
  await post.worker.runOnce()
  await storage.database.write(async ({ db }) => {
    await db.insertInto("change_floor").values({ project_id: bench.project, revision: 0 }).execute()
  })
  return post
}

/** A process of its own on PostgreSQL; SQLite has one process, so that caches of its own are all there can be. */
async function another(open: OpenTestStorage, storage: TestStorage): Promise<TestStorage> {
  return storage.database.kind === "postgres"
    ? await open({ sameAs: storage, clock: storage.clock })
    : storage
}

function describeEnd(open: OpenTestStorage): void {
  it("is there for nobody once the answer is given, though its rows still are", async () => {
    const storage = await open()
    const post = await aFullProject(storage)
    const { bench } = post
    const { test, adminToken: token } = bench.instance
    const second = new TestApp(await another(open, storage))
    const viewer = await aMachine(bench.instance, { project: bench.project })
    const { folders } = await bench.ok(
      "GET",
      `/v2/folders?projectId=${bench.project}&environment=prod&path=/`,
    )
    const { secret } = (await bench.read("FULL")).body
    const [webhook] = await post.list()
    const inRoot = `projectId=${bench.project}&environment=prod&path=/`
    const { secretImports: imports } = await bench.ok("GET", `/v2/secret-imports?${inRoot}`)
    const secrets = `/v4/secrets?projectId=${bench.project}&environment=prod`
    const paths = [
      own(bench),
      "/v1/projects/slug/billing-second",
      `/v1/projects/slug/removed:${bench.project}`,
      secrets,
      `/v2/folders/${folders[0].id}`,
      `/coffer/v1/folders/${folders[0].id}/versions`,
      `/v2/secret-imports/${imports[0].id}`,
      `/v4/secrets/id/${secret.id}`,
      `/v1/secret/${secret.id}/secret-versions`,
      `/coffer/v1/webhooks/${webhook.id}/deliveries`,
      `/coffer/v1/projects/${bench.project}/trash`,
      `/coffer/v1/projects/${bench.project}/reminders`,
      `${own(bench)}/groups`,
    ]
    // What is there answers, and is in the memory of both.
    for (const at of [test, second]) {
      for (const path of paths.filter((one) => !one.includes("removed:"))) {
        expect([path, (await at.call("GET", path, { token })).status]).toEqual([path, 200])
      }
    }
    await bench.ok("DELETE", own(bench))
    expect(await countRows(storage.database, "secret_version", bench.project)).toBeGreaterThan(0)
    for (const at of [test, second]) {
      for (const path of paths) {
        const answer = await at.call("GET", path, { token })
        expect([path, answer.status]).toEqual([path, 404])
        // Whoever asks for something by its own id is told of nothing else.
        if (!path.includes(bench.project)) expect(answer.text, path).not.toContain(bench.project)
        expect(answer.text).not.toMatch(/base-value|billing-first|Billing API|removed:[^']*'; did/)
      }
      expect((await at.call("GET", secrets, { token: viewer.token })).status).toBe(404)
      const former = await at.call("GET", "/v1/projects/slug/billing-first", { token })
      expect(former.body.message).toBe("Project with slug 'billing-first' not found")
      expect((await at.ok("GET", "/v1/projects", { token })).projects).toEqual([])
      expect(await at.ok("GET", "/v1/organization-admin/projects", { token })).toMatchObject({ count: 0 })
      const entered = `/v1/organization-admin/projects/${bench.project}/grant-admin-access`
      expect((await at.call("POST", entered, { token })).status).toBe(404)
      const written = { ...{ projectId: bench.project, environment: "prod" }, secretValue: "2" }
      const write = await at.call("PATCH", "/v4/secrets/BASE", { token, body: written })
      expect(write.status).toBe(404)
    }
  })

  it("gives its slug and those before it away, ends what it was named in, and stays in the audit log", async () => {
    const storage = await open()
    const { bench } = await aFullProject(storage)
    const { test, adminToken: token } = bench.instance
    await bench.ok("DELETE", own(bench))
    for (const slug of ["billing-second", "billing-first"]) {
      const made = await test.ok("POST", "/v1/projects", { token, body: { projectName: "Next", slug } })
      expect(await test.ok("GET", `/v1/projects/slug/${slug}`, { token })).toMatchObject({
        id: made.project.id,
      })
    }
    const { invitations } = await test.ok("GET", "/coffer/v1/invitations", { token })
    expect(invitations).toMatchObject([{ email: "bob@acme.test", projects: [] }])
    const projects = [{ projectId: bench.project, role: "viewer" }]
    const again = { email: "eve@acme.test", projects }
    const refused = await test.call("POST", "/coffer/v1/invitations", { token, body: again })
    expect(refused.status).toBeOneOf([400, 404])
    expect((await test.auditEvents()).filter((event) => event.type === "delete-project")).toMatchObject([
      { projectId: bench.project, metadata: { id: bench.project, slug: "billing-second" } },
    ])
    const { auditLogs } = await test.ok("GET", "/v1/organization/audit-logs?eventType=delete-project", {
      token,
    })
    expect(auditLogs).toMatchObject([{ projectId: bench.project, projectName: null }])
    // Nobody has rights in it and nothing can open what it held, even before that is removed.
    const ended = ["project_membership", "project_group", "former_slug", "change_cursor", "project_data_key"]
    for (const table of ended) {
      expect([table, await countRows(storage.database, table, bench.project)]).toEqual([table, 0])
    }
    expect(await countRows(storage.database, "secret", bench.project)).toBeGreaterThan(0)
  })

  it("tells no webhook what was still to be told", async () => {
    const post = await aFullProject(await open())
    const before = post.receiver.received.length
    post.storage.clock.advance(6 * 3_600_000)
    await post.bench.ok("DELETE", own(post.bench))
    await post.worker.runOnce()
    expect(post.receiver.received).toHaveLength(before)
    expect(await countRows(post.storage.database, "webhook_delivery", post.bench.project)).toBeGreaterThan(0)
  })

  it("is deleted by one of two who do it at once; the other is told that there is none", async () => {
    const bench = await aWorkbench(await open())
    await bench.put("A", "1")
    const machines = [await aMachine(bench.instance), await aMachine(bench.instance)]
    for (const { id } of machines) {
      await bench.ok("POST", `${own(bench)}/memberships/identities/${id}`, { role: "admin" })
    }
    const answers = await Promise.all(
      machines.map(({ token }) => bench.instance.test.call("DELETE", own(bench), { token })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 404])
    const told = answers.find(({ status }) => status === 404)
    expect(told?.body.message).toBe(`Project with ID '${bench.project}' not found`)
    const events = await bench.instance.test.auditEvents()
    expect(events.filter((event) => event.type === "delete-project")).toHaveLength(1)
  })

  it("is not there for whoever follows its changes, or was reading all of it", async () => {
    const storage = await open()
    const { bench } = await aFullProject(storage)
    const { reader } = storage.database
    const { features } = bench.instance.test.app
    const { createdAt } = (await bench.ok("GET", own(bench))).project
    const beginning = { projectId: bench.project, createdAt: Date.parse(createdAt), revision: 1 }
    expect(await isStillThere(reader, beginning)).toBe(true)
    expect(await reachesBackTo(features, bench.project, { revision: 1 })).toBe(true)
    await bench.ok("DELETE", own(bench))
    expect(await isStillThere(reader, beginning)).toBe(false)
    expect(await reachesBackTo(features, bench.project, { revision: 1 })).toBe(false)
  })

  it("stays away from a cache that was behind while its changes went", async () => {
    const storage = await open()
    const { bench } = await aFullProject(storage)
    const second = new TestApp(await another(open, storage))
    const { adminToken: token } = bench.instance
    const secret = `/v4/secrets/BASE?projectId=${bench.project}&environment=prod&secretPath=/app`
    await second.ok("GET", secret, { token })
    await bench.ok("DELETE", own(bench))
    const { database } = storage
    while ((await countRows(database, "change", bench.project)) > 0) {
      expect(await database.write(({ db }) => removeSlice(db, bench.project, 5))).toBe(true)
    }
    await second.app.features.projects.catchUp(bench.project)
    expect(second.app.features.projects.peek(bench.project)).toBe(undefined)
    expect((await second.call("GET", secret, { token })).status).toBe(404)
  })

  it("is written to by nobody, whatever is in the memory of a server", async () => {
    const storage = await open()
    const bench = await aWorkbench(storage)
    await bench.put("A", "1")
    await bench.read("A")
    await storage.database.write(({ db }) =>
      db.updateTable("project").set({ is_hidden: 1 }).where("id", "=", bench.project).execute(),
    )
    const answer = await bench.call("PATCH", "/v4/secrets/A", { secretValue: "2" })
    expect(answer.status).toBe(404)
    expect(await countRows(storage.database, "secret_version", bench.project)).toBe(1)
  })

  it("comes back from its archive at once, whatever of it is still to be removed", async () => {
    const storage = await open()
    const { bench } = await aFullProject(storage)
    const versions = await countRows(storage.database, "secret_version", bench.project)
    const { archive, keys } = await exported(bench)
    await bench.ok("DELETE", own(bench))
    const answer = await imported(bench.instance, archive, keys)
    expect(answer).toMatchObject({ status: 200, body: { isCopy: false, project: { id: bench.project } } })
    await bench.instance.test.app.removal.runOnce()
    expect(await countRows(storage.database, "secret_version", bench.project)).toBe(versions)
    expect((await bench.read("BASE", "&secretPath=/app")).body.secret.secretValue).toBe("base-value")
  })

  it("that is too large to be removed while its archive waits is told of, and nothing of it is mixed with what comes", async () => {
    const storage = await open()
    const { bench } = await aFullProject(storage)
    const versions = await countRows(storage.database, "secret_version", bench.project)
    const { archive, keys } = await exported(bench)
    await bench.ok("DELETE", own(bench))
    const timeIsUp = vi.spyOn(AbortSignal, "timeout").mockReturnValue(AbortSignal.abort())
    const early = await imported(bench.instance, archive, keys)
    timeIsUp.mockRestore()
    expect(early).toMatchObject({
      status: 409,
      body: { message: expect.stringMatching(/deleted just now; try again/) },
    })
    expect(await countRows(storage.database, "secret_version", bench.project)).toBe(versions)
    expect((await imported(bench.instance, archive, keys)).status).toBe(200)
  })
}

function describeRows(open: OpenTestStorage): void {
  it("leaves no row in any table that tells of projects", async () => {
    const storage = await open()
    const { bench } = await aFullProject(storage)
    const other = await bench.another("Untouched")
    await fillLittle(other)
    const tables = (await tablesOf(storage.database))
      .filter(({ name, columns }) => name === "project" || columns.includes("project_id"))
      .map(({ name }) => name)
      .filter((name) => name !== "project_import")
    const rowsOf = async (project: string) => {
      const counts = new Map<string, number>()
      for (const table of tables) counts.set(table, await countRows(storage.database, table, project))
      return counts
    }
    for (const [table, rows] of await rowsOf(bench.project)) {
      expect([table, rows > 0], "the full project of these tests has none").toEqual([table, true])
    }
    const untouched = await rowsOf(other.project)
    await bench.ok("DELETE", own(bench))
    await bench.instance.test.app.removal.runOnce()
    const left = [...(await rowsOf(bench.project))].filter(([, rows]) => rows > 0).map(([table]) => table)
    // What proves that it was there.
    expect(left).toEqual(["audit_event"])
    expect(await rowsOf(other.project)).toEqual(untouched)
    expect((await other.read("A")).body.secret.secretValue).toBe("1")
  })

  it("is removed only when it is hidden, and no import goes on with it", async () => {
    const storage = await open()
    const bench = await aWorkbench(storage)
    await bench.put("A", "1")
    const { database } = storage
    const remove = () => database.write(({ db }) => removeSlice(db, bench.project, 1_000))
    expect(await remove()).toBe(false)
    const underWay = { project_id: bench.project, touched_at: storage.clock.now(), token: "one" }
    await database.write(async ({ db }) => {
      await db.updateTable("project").set({ is_hidden: 1 }).where("id", "=", bench.project).execute()
      await db.insertInto("project_import").values(underWay).execute()
    })
    expect(await remove()).toBe(false)
    await bench.instance.test.app.removal.runOnce()
    expect(await countRows(database, "secret_version", bench.project)).toBe(1)
  })

  it("goes in slices that no secret with many versions makes larger", async () => {
    const storage = await open()
    const bench = await aWorkbench(storage)
    for (let version = 0; version < 25; version += 1) {
      await bench.call(version === 0 ? "POST" : "PATCH", "/v4/secrets/A", { secretValue: `${version}` })
    }
    await bench.ok("DELETE", own(bench))
    const { database } = storage
    const versions = () => countRows(database, "secret_version", bench.project)
    const counts = [await versions()]
    expect(counts).toEqual([25])
    while (await database.write(({ db }) => removeSlice(db, bench.project, 10))) counts.push(await versions())
    // The first slice has the secret among its ten rows.
    expect(counts.slice(0, 4)).toEqual([25, 16, 6, 0])
    expect(await countRows(database, "project", bench.project)).toBe(0)
  })

  it("holds nobody up: reads and writes of others are answered in between", {
    timeout: testLimitMs,
  }, async () => {
    const storage = await open()
    const bench = await aWorkbench(storage)
    const other = await bench.another("Other")
    await other.put("A", "0")
    await fillWith(bench, 3_000)
    await bench.ok("DELETE", own(bench))
    const left = async () => {
      const current = await countRows(storage.database, "secret", bench.project)
      return current + (await countRows(storage.database, "secret_version", bench.project))
    }
    const { removal } = bench.instance.test.app
    removal.start()
    const seen = new Set<number>()
    for (let round = 1; (await left()) > 0; round += 1) {
      await other.ok("PATCH", "/v4/secrets/A", { secretValue: `${round}` })
      expect((await other.read("A")).body.secret.secretValue).toBe(`${round}`)
      seen.add(await left())
    }
    expect(seen.size).toBeGreaterThan(3)
    await removal.stop()
  })

  it("goes on where it was left when the server starts again", { timeout: testLimitMs }, async () => {
    const storage = await open()
    const bench = await aWorkbench(storage)
    await fillWith(bench, 3_000)
    await bench.ok("DELETE", own(bench))
    const left = () => countRows(storage.database, "secret_version", bench.project)
    const first = bench.instance.test.app.removal
    first.start()
    await expect.poll(left, { ...patience, interval: 1 }).toBeLessThan(3_000)
    await first.stop()
    expect(await left()).toBeGreaterThan(0)
    const next = new TestApp(storage).app.removal
    next.start()
    await expect.poll(() => countRows(storage.database, "project", bench.project), patience).toBe(0)
    expect(await left()).toBe(0)
    await next.stop()
  })

  it("goes as soon as it is deleted, and one after it too", async () => {
    const storage = await open()
    const bench = await aWorkbench(storage)
    const { removal } = bench.instance.test.app
    removal.start()
    for (const one of [bench, await bench.another("Another")]) {
      await one.put("A", "1")
      await one.ok("DELETE", own(one))
      await expect.poll(() => countRows(storage.database, "project", one.project), patience).toBe(0)
    }
    await removal.stop()
  })
}

async function fillLittle(bench: Workbench): Promise<void> {
  await bench.folder("/deep/deeper")
  await bench.put("A", "1")
}

async function fillWith(bench: Workbench, count: number): Promise<void> {
  for (let from = 0; from < count; from += 1_000) {
    await bench.folder(`/f${from}`)
    const secrets = Array.from({ length: Math.min(1_000, count - from) }, (_, index) => ({
      secretKey: `KEY_${index}`,
      secretValue: "1",
    }))
    await bench.ok("POST", "/v4/secrets/batch", { secretPath: `/f${from}`, secrets })
  }
}
