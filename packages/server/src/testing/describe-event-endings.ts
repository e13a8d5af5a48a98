/** Streams of events that end, those who come back, and those of another server on the same database. */
import type { OpenTestStorage } from "@coffer/testkit"
import { sql } from "kysely"
import { describe, expect, it } from "vitest"
import { pruneChanges } from "../events/index.ts"
import { closeAfterEach } from "./close-after-each.ts"
import type { EventReader } from "./event-reader.ts"
import { addImport, aStudio, dataOf, listen, registerAt, type Studio } from "./event-studio.ts"
import { aMachine, TestApp } from "./test-app.ts"

const opened = closeAfterEach()

export function describeEventEndings(kind: "sqlite" | "postgres", openStorage: OpenTestStorage): void {
  const make = async () => opened(await aStudio(await openStorage()))
  describeResuming(make)
  describeEnding(make)
  if (kind === "postgres") describeReplicas(openStorage)
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
      // The server looks each second; the rest is for a busy machine, and ends before the heartbeat would find it.
      expect(performance.now() - started).toBeLessThan(8_000)
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

    it("before anything is told of what was written after the end was acknowledged", async () => {
      const studio = await make()
      const { bench } = studio
      const readers: EventReader[] = []
      for (let count = 0; count < 12; count += 1) {
        const { viewer, reader } = await aViewer(studio)
        readers.push(reader)
        await bench.ok("DELETE", `/v1/projects/${bench.project}/memberships/identities/${viewer.id}`)
        await bench.put(`AFTER_${count}`, "1")
      }
      await Promise.all(readers.map(({ ended }) => ended))
      const names = readers.flatMap(({ events }, index) =>
        events.filter(({ data }) => JSON.stringify(data).includes(`"AFTER_${index}"`)).map(() => index),
      )
      expect(names).toEqual([])
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
      expect(performance.now() - started).toBeLessThan(8_000)
      expect(reader.events).toEqual([])
    })
  })
}

function describeReplicas(openStorage: OpenTestStorage): void {
  it("what is written on one server is told by the other, also when nobody tells it", async () => {
    const storage = await openStorage()
    const studio = opened(await aStudio(storage))
    const replica = new TestApp(await openStorage({ sameAs: storage }))
    const { url: at } = opened(await listen(replica))
    const reader = await studio.subscribe({ at })
    const told = new Promise((resolve) => {
      replica.app.features.signal.listen((subject, id) => resolve([subject, id]))
    })
    // A signal is heard by those alone who listen to the database already.
    await expect.poll(() => countListeners(storage)).toBe(2)
    await studio.bench.put("A", "1")
    expect(await told).toEqual(["project", studio.bench.project])
    expect(await reader.next()).toMatchObject([{ event: "secret:create" }])
    // The connection for signals is broken: the next event comes by looking.
    await storage.database.write(async ({ db }) => {
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

/** How many servers hear of signals of this database. */
async function countListeners({ database }: Awaited<ReturnType<OpenTestStorage>>): Promise<number> {
  const { rows } = await sql`
    select pid from pg_stat_activity
    where datname = current_database() and application_name = 'coffer signals'
      and state = 'idle' and (query like '%listen coffer_signals%' or query like '%pg_notify%')`.execute(
    database.reader,
  )
  return rows.length
}
