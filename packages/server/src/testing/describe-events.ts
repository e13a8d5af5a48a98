import { describeDatabase } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import { closeAfterEach } from "./close-after-each.ts"
import { describeEventEndings } from "./describe-event-endings.ts"
import { accepted, subscribeTo } from "./event-reader.ts"
import { addImport, allEvents, aStudio, dataOf, registerAt, type Studio } from "./event-studio.ts"
import { aMachine } from "./test-app.ts"

const opened = closeAfterEach()

/** The stream of events of a project, on one database. */
export function describeEvents(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "events", (openStorage) => {
    const make = async () => opened(await aStudio(await openStorage()))
    describeStream(make)
    describeEventEndings(kind, openStorage)
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
      const reader = opened(accepted(await subscribeTo({ url, token: studio.bench.instance.adminToken })))
      await studio.bench.put("A", "1")
      expect((await reader.next())[0]).toMatchObject({ event: "secret:create" })
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
