import { describeDatabase, type OpenTestStorage } from "@coffer/testkit"
import { afterEach, describe, expect, it } from "vitest"
import { pruneChanges } from "../events/index.ts"
import { accepted, EventReader, type Subscribing, subscribeTo } from "./event-reader.ts"
import { aMachine, TestApp } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

const allEvents = ["secret:create", "secret:update", "secret:delete", "secret:import-mutation"]
const path = "/api/v1/events/subscribe/project-events"

/** What K8S sends: all four events, each with the same place. */
const registerAt = (environmentSlug: string, secretPath: string) =>
  allEvents.map((event) => ({ event, conditions: { environmentSlug, secretPath } }))

/** A workbench that listens on a port of its own. */
class Studio {
  readonly bench: Workbench
  readonly url: string
  readonly #readers: EventReader[] = []

  constructor(bench: Workbench, url: string) {
    this.bench = bench
    this.url = url
  }

  async subscribe(
    of: Partial<Subscribing> & { readonly register?: readonly object[]; readonly at?: string } = {},
  ): Promise<EventReader> {
    const opened = accepted(await this.trySubscribe(of))
    await opened.until(() => opened.pings.length + opened.events.length > 0, "the first event")
    return opened
  }

  async trySubscribe(
    of: Partial<Subscribing> & { readonly register?: readonly object[]; readonly at?: string } = {},
  ) {
    const { register = allEvents.map((event) => ({ event })), at = this.url, ...rest } = of
    const opened = await subscribeTo({
      url: `${at}${path}`,
      token: this.bench.instance.adminToken,
      body: { projectId: this.bench.project, register },
      ...rest,
    })
    if (opened instanceof EventReader) this.#readers.push(opened)
    return opened
  }

  close(): void {
    for (const reader of this.#readers) reader.close()
  }
}

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function listen(test: TestApp): Promise<string> {
  const url = await test.app.http.listen({ host: "127.0.0.1", port: 0 })
  const disconnect = test.app.features.signal.connect()
  open.push({
    close: async () => {
      disconnect()
      await test.app.http.close()
    },
  })
  return url
}

async function aStudio(storage: Awaited<ReturnType<OpenTestStorage>>): Promise<Studio> {
  const bench = await aWorkbench(storage)
  const studio = new Studio(bench, await listen(bench.instance.test))
  open.push(studio)
  return studio
}

/** `to` imports `from`, both in prod. */
async function addImport(bench: Workbench, to: string, from: string): Promise<void> {
  const source = { environment: "prod", path: from }
  await bench.ok("POST", "/v2/secret-imports", { path: to, import: source })
}

function dataOf(eventType: string, ...payload: readonly object[]) {
  return { projectType: "secret-manager", data: { eventType, payload } }
}

/** The stream of events of a project, on one database. */
export function describeEvents(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "events", (openStorage) => {
    const make = async () => aStudio(await openStorage())
    describeStream(make)
    describeResuming(make)
    describeEnding(make)
    if (kind === "postgres") describeReplicas(openStorage)
  })
}

function describeStream(make: () => Promise<Studio>): void {
  describe("a stream", () => {
    it("begins with a heartbeat that operators see, and the headers that proxies need", async () => {
      const studio = await make()
      const reader = await studio.subscribe({ register: registerAt("prod", "/") })
      expect(reader.response.headers).toMatchObject({
        "content-type": "text/event-stream",
        "cache-control": "no-cache",
        connection: "keep-alive",
        "x-accel-buffering": "no",
      })
      expect(reader.response.headers).not.toHaveProperty("content-encoding")
      expect(reader.raw).toMatch(/^id: \d+\nevent: ping\n\n$/)
      expect(await studio.bench.instance.test.lastEvent()).toMatchObject({
        type: "subscribe-project-events",
        projectId: studio.bench.project,
        metadata: { register: allEvents.map((event) => ({ event, environment: "prod", secretPath: "/" })) },
      })
    })

    it("tells of secrets that were created, changed, renamed and deleted, with the revision as id", async () => {
      const studio = await make()
      const { bench } = studio
      const reader = await studio.subscribe()
      await bench.put("A", "1")
      await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2" })
      await bench.ok("PATCH", "/v4/secrets/A", { newSecretName: "B" })
      await bench.ok("DELETE", "/v4/secrets/B", {})
      const events = await reader.next(4)
      const at = { environment: "prod", secretPath: "/" }
      expect(events.map((event) => event.data)).toEqual([
        dataOf("secret:create", { ...at, secretKey: "A" }),
        dataOf("secret:update", { ...at, secretKey: "A" }),
        dataOf("secret:update", { ...at, secretKey: "A" }, { ...at, secretKey: "B" }),
        dataOf("secret:delete", { ...at, secretKey: "B" }),
      ])
      expect(events.map((event) => event.event)).toEqual([
        "secret:create",
        "secret:update",
        "secret:update",
        "secret:delete",
      ])
      const ids = events.map((event) => Number(event.id))
      expect(ids).toEqual(ids.toSorted((left, right) => left - right))
      const { reader: db } = bench.instance.test.storage.database
      const project = await db.selectFrom("project").select("revision").executeTakeFirstOrThrow()
      expect(ids.at(-1)).toBe(project.revision)
    })

    it("holds one event per folder and kind, and no line that operators could not read", async () => {
      const studio = await make()
      const reader = await studio.subscribe({ register: registerAt("prod", "/") })
      const secrets = Array.from({ length: 900 }, (_, index) => ({
        secretKey: `${"K".repeat(60)}_${index}`,
        secretValue: "1",
      }))
      await studio.bench.ok("POST", "/v4/secrets/batch", { secrets: secrets.slice(0, 3) })
      const [first] = await reader.next(1)
      expect(first?.data.data.payload).toHaveLength(3)
      await studio.bench.ok("POST", "/v4/secrets/batch", { secrets: secrets.slice(3) })
      await reader.until(() => reader.events.at(-1)?.id !== undefined, "the last part")
      const parts = reader.events
      expect(parts.length).toBeGreaterThan(1)
      expect(parts.flatMap((part) => part.data.data.payload)).toHaveLength(897)
      expect(parts.slice(0, -1).every((part) => part.id === undefined)).toBe(true)
      const longest = Math.max(...reader.raw.split("\n").map((line) => Buffer.byteLength(line)))
      expect(longest).toBeLessThan(64 * 1024)
    })

    it.for([
      { at: ["prod", "/"], hears: ["/"] },
      { at: ["prod", "/api"], hears: ["/api"] },
      { at: ["prod", "/api/**"], hears: ["/api", "/api/worker"] },
      { at: ["prod", "/**"], hears: ["/", "/api", "/api/worker"] },
      { at: ["prod", "/api/*"], hears: ["/api/worker"] },
      { at: ["dev", "/**"], hears: [] },
    ] as const)("registered at $at it hears of $hears", async ({ at: [environment, pattern], hears }) => {
      const studio = await make()
      const { bench } = studio
      await bench.folder("/api/worker")
      const reader = await studio.subscribe({ register: registerAt(environment, pattern) })
      const whole = await studio.subscribe()
      for (const place of ["/", "/api", "/api/worker"]) await bench.put("A", "1", place)
      await whole.next(3)
      await reader.until(() => reader.events.length >= hears.length, "its events")
      const places = reader.events.map((event) => event.data.data.payload[0].secretPath)
      expect(places).toEqual(hears)
    })

    it("tells of folders that import the changed one, directly and through others, once each", async () => {
      const studio = await make()
      const { bench } = studio
      for (const place of ["/shared", "/app", "/web"]) await bench.folder(place)
      await addImport(bench, "/app", "/shared")
      await addImport(bench, "/web", "/app")
      await addImport(bench, "/shared", "/web")
      const reader = await studio.subscribe()
      await bench.put("A", "1", "/shared")
      const events = await reader.next(3)
      expect(events.map((event) => [event.event, event.data.data.payload])).toEqual([
        ["secret:create", [{ environment: "prod", secretPath: "/shared", secretKey: "A" }]],
        ["secret:import-mutation", [{ environment: "prod", secretPath: "/app" }]],
        ["secret:import-mutation", [{ environment: "prod", secretPath: "/web" }]],
      ])
      expect(events[0]?.id).toBe(`${events[2]?.id}.0`)
      const only = await studio.subscribe({
        register: [
          { event: "secret:import-mutation", conditions: { environmentSlug: "prod", secretPath: "/web" } },
        ],
      })
      await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2", secretPath: "/shared" })
      expect((await only.next()).map((event) => event.event)).toEqual(["secret:import-mutation"])
    })

    it("can be opened with a GET", async () => {
      const studio = await make()
      const url = `${studio.url}/api/coffer/v1/projects/${studio.bench.project}/events?environment=prod&events=secret:create`
      const opened = accepted(await subscribeTo({ url, token: studio.bench.instance.adminToken }))
      open.push(opened)
      await studio.bench.put("A", "1")
      expect((await opened.next())[0]).toMatchObject({ event: "secret:create" })
    })

    it.for([
      { what: "an unknown project", body: { projectId: "" }, status: 404 },
      { what: "no register", body: { register: [] }, status: 422 },
      { what: "eleven entries", body: { register: Array(11).fill({ event: "secret:create" }) }, status: 422 },
      { what: "an unknown event", body: { register: [{ event: "secret:burn" }] }, status: 422 },
      {
        what: "a place without environment",
        body: { register: [{ event: "secret:create", conditions: {} }] },
        status: 422,
      },
    ])("$what is refused as JSON with $status", async ({ body, status }) => {
      const studio = await make()
      const asked = { projectId: studio.bench.project, register: [{ event: "secret:create" }], ...body }
      const answer = await studio.trySubscribe({ body: asked })
      expect(answer).toMatchObject({ status, body: { statusCode: status, message: expect.any(String) } })
      expect(JSON.stringify(answer)).not.toContain("not available on your current plan")
    })

    it("is for those who may subscribe: viewers may, strangers and those without access may not", async () => {
      const studio = await make()
      const { instance, project } = studio.bench
      const viewer = await aMachine(instance, { project, role: "viewer" })
      const reader = await studio.subscribe({ token: viewer.token, register: registerAt("prod", "/**") })
      await studio.bench.put("A", "1")
      await reader.next()
      const none = await aMachine(instance, { project, role: "no-access" })
      expect(await studio.trySubscribe({ token: none.token })).toMatchObject({
        status: 403,
        body: { error: "PermissionDenied" },
      })
      expect(await instance.test.lastEvent()).toMatchObject({ type: "permission-denied" })
      const stranger = await aMachine(instance, { orgRole: "admin" })
      expect(await studio.trySubscribe({ token: stranger.token })).toMatchObject({ status: 403 })
      expect(await studio.trySubscribe({ token: "nonsense" })).toMatchObject({ status: 403 })
    })
  })
}

function describeResuming(make: () => Promise<Studio>): void {
  describe("a client that comes back", () => {
    it("gets what it missed, once and in order, and then what is new", async () => {
      const studio = await make()
      const { bench } = studio
      const first = await studio.subscribe()
      await bench.put("A", "0")
      const [seen] = await first.next()
      first.close()
      for (let count = 1; count <= 230; count += 1)
        await bench.ok("PATCH", "/v4/secrets/A", { secretValue: `${count}` })
      const second = await studio.subscribe({ lastEventId: seen?.id })
      const writing = Promise.all(Array.from({ length: 20 }, (_, index) => bench.put(`NEW_${index}`, "1")))
      const events = await second.next(250)
      await writing
      const ids = events.map((event) => Number(event.id))
      expect(ids).toEqual(Array.from({ length: 250 }, (_, index) => Number(seen?.id) + 1 + index))
      const third = await studio.subscribe({ lastEventId: String(ids.at(-1)) })
      await bench.ok("DELETE", "/v4/secrets/A", {})
      expect((await third.next()).map((event) => event.event)).toEqual(["secret:delete"])
    })

    it("in the middle of a revision gets the rest of it alone", async () => {
      const studio = await make()
      const { bench } = studio
      for (const place of ["/shared", "/app"]) await bench.folder(place)
      await addImport(bench, "/app", "/shared")
      const reader = await studio.subscribe()
      await bench.put("A", "1", "/shared")
      const [created] = await reader.next(2)
      expect(created?.id).toMatch(/^\d+\.\d+$/)
      const again = await studio.subscribe({ lastEventId: created?.id })
      await bench.put("B", "1")
      expect((await again.next(2)).map((event) => event.event)).toEqual([
        "secret:import-mutation",
        "secret:create",
      ])
    })

    it.for([
      "999999",
      "nonsense",
      "-1",
      "1e3",
    ])("with the id '%s' of another time is told to list again", async (lastEventId) => {
      const studio = await make()
      const reader = await studio.subscribe({ lastEventId, register: registerAt("prod", "/api/**") })
      const [first] = await reader.next()
      expect(first).toMatchObject({
        event: "resync",
        data: dataOf("resync", { environment: "prod", secretPath: "/api/**" }),
      })
      await studio.bench.folder("/api")
      await studio.bench.put("A", "1", "/api")
      expect(await reader.next(2)).toMatchObject([
        { event: "secret:import-mutation" },
        { event: "secret:create" },
      ])
    })

    it("after longer than changes are kept is told so, and caches follow what is left", async () => {
      const studio = await make()
      const { bench } = studio
      const { storage } = bench.instance.test
      const reader = await studio.subscribe()
      await bench.put("A", "1")
      const [old] = await reader.next()
      reader.close()
      const stale = new TestApp(storage)
      const url = `/v4/secrets/A?projectId=${bench.project}&environment=prod`
      const read = () => stale.ok("GET", url, { token: bench.instance.adminToken })
      expect((await read()).secret.secretValue).toBe("1")
      await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2" })
      storage.clock.advance(31 * 86_400_000)
      await bench.put("B", "1")
      await pruneChanges(storage)
      const kept = await storage.database.reader.selectFrom("change").select("keys").execute()
      expect(kept).toEqual([{ keys: '["B"]' }])
      expect((await read()).secret.secretValue).toBe("2")
      const away = await studio.subscribe({ lastEventId: old?.id })
      expect((await away.next())[0]?.event).toBe("resync")
      await pruneChanges(storage, { maxAgeMs: 86_400_000, maxRevisions: 0 })
      expect(await storage.database.reader.selectFrom("change").select("keys").execute()).toEqual([])
    })
  })
}

function describeEnding(make: () => Promise<Studio>): void {
  describe("a stream ends", () => {
    const aViewer = async (studio: Studio) => {
      const { instance, project } = studio.bench
      const viewer = await aMachine(instance, { project, role: "viewer" })
      return { viewer, reader: await studio.subscribe({ token: viewer.token }) }
    }
    const expectEnd = async (reader: EventReader, started: number) => {
      await reader.ended
      expect(performance.now() - started).toBeLessThan(1_500)
      expect(reader.events.at(-1)).toMatchObject({ event: "error", data: { message: expect.any(String) } })
    }

    it("within a second when the token is revoked", async () => {
      const studio = await make()
      const { viewer, reader } = await aViewer(studio)
      const started = performance.now()
      const body = { accessToken: viewer.token }
      await studio.bench.instance.test.ok("POST", "/v1/auth/token/revoke", { body })
      await expectEnd(reader, started)
      await studio.bench.put("A", "1")
      expect(reader.raw).not.toContain("secret:create")
    })

    it("within a second when the role is taken away, and the log says so", async () => {
      const studio = await make()
      const { viewer, reader } = await aViewer(studio)
      const { bench } = studio
      const started = performance.now()
      const members = `/v1/projects/${bench.project}/memberships/identities/${viewer.id}`
      await bench.ok("PATCH", members, { roles: [{ role: "no-access" }] })
      await expectEnd(reader, started)
      const events = await bench.instance.test.auditEvents()
      expect(events.filter((event) => event.type === "permission-denied")).toHaveLength(1)
    })

    it("when a temporary role is over, without anyone writing anything", async () => {
      const studio = await make()
      const { bench } = studio
      const machine = await aMachine(bench.instance)
      const url = `/v1/projects/${bench.project}/memberships/identities/${machine.id}`
      const { clock } = bench.instance.test
      const temporary = {
        role: "viewer",
        isTemporary: true,
        temporaryMode: "relative",
        temporaryRange: "1h",
        temporaryAccessStartTime: new Date(clock.now()).toISOString(),
      }
      await bench.ok("POST", url, { roles: [temporary] })
      const reader = await studio.subscribe({ token: machine.token })
      clock.advance(3_600_000)
      await expectEnd(reader, performance.now())
    })

    it("when the project is deleted", async () => {
      const studio = await make()
      const reader = await studio.subscribe()
      const started = performance.now()
      await studio.bench.ok("DELETE", `/v1/projects/${studio.bench.project}`)
      await expectEnd(reader, started)
    })

    it("without a word when the server ends, so that clients connect again", async () => {
      const studio = await make()
      const reader = await studio.subscribe()
      const started = performance.now()
      await studio.bench.instance.test.app.http.close()
      await reader.ended
      expect(performance.now() - started).toBeLessThan(3_000)
      expect(reader.events).toEqual([])
    })
  })
}

function describeReplicas(openStorage: OpenTestStorage): void {
  it("what is written on one server is told by the other, also when nobody tells it", async () => {
    const storage = await openStorage()
    const studio = await aStudio(storage)
    const replica = new TestApp(await openStorage({ sameAs: storage }))
    const at = await listen(replica)
    const reader = await studio.subscribe({ at })
    const told = new Promise((resolve) => {
      replica.app.features.signal.listen((subject, id) => resolve([subject, id]))
    })
    await studio.bench.put("A", "1")
    expect(await told).toEqual(["project", studio.bench.project])
    expect(await reader.next()).toMatchObject([{ event: "secret:create" }])
    // The connection for signals is broken: the next event comes by looking.
    await storage.database.write(async ({ db }) => {
      const { sql } = await import("kysely")
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'coffer signals'`.execute(
        db,
      )
    })
    await studio.bench.put("B", "1")
    expect(await reader.next()).toMatchObject([
      { data: dataOf("secret:create", { environment: "prod", secretPath: "/", secretKey: "B" }) },
    ])
    const viewer = await aMachine(studio.bench.instance, { project: studio.bench.project })
    const listening = await studio.subscribe({ at, token: viewer.token })
    await studio.bench.instance.test.ok("POST", "/v1/auth/token/revoke", {
      body: { accessToken: viewer.token },
    })
    await listening.ended
    expect(listening.events.at(-1)).toMatchObject({ event: "error" })
  })
}
