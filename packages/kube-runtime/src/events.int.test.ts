import { describe, expect, it } from "vitest"
import { CONFIG_MAPS, EVENTS, NAMESPACES } from "./core-resources.ts"
import { createEventRecorder, type EventRecorderOptions, referenceTo } from "./events.ts"
import { createMetricsRegistry } from "./metrics.ts"
import { describeWithCluster } from "./testing/cluster.ts"
import { startCuttableProxy } from "./testing/cuttable-proxy.ts"
import { FakeClock } from "./testing/fake-clock.ts"

describeWithCluster("events on a real API server", (cluster) => {
  const flushed = () => AbortSignal.timeout(20_000)

  /** A ConfigMap to talk about, and a recorder whose clock stands still. */
  async function aRecorder(options: Partial<EventRecorderOptions> = {}) {
    const { client, aNamespace } = cluster()
    const namespace = await aNamespace()
    const clock = new FakeClock()
    const metrics = createMetricsRegistry()
    const object = await client.create(CONFIG_MAPS, { metadata: { namespace, name: "about" } })
    const recorder = createEventRecorder({ client, component: "widgets", clock, metrics, ...options })
    const events = async () => (await client.listAll(EVENTS, { namespace })).items
    const dropped = () => metrics.read("coffer_events_dropped_total", { component: "widgets" })
    return {
      client,
      clock,
      namespace,
      object,
      about: referenceTo(CONFIG_MAPS, object),
      recorder,
      events,
      dropped,
    }
  }

  describe("an event recorder", () => {
    it("writes an event as kubectl shows it", async () => {
      const { object, about, recorder, events, namespace } = await aRecorder()
      recorder.record(about, { type: "Warning", reason: "UpdateFailed", message: "the store is away" })
      await recorder.flush(flushed())
      expect(await events()).toMatchObject([
        {
          metadata: { namespace, name: expect.stringMatching(/^about\.[0-9a-f]{16}$/) },
          involvedObject: {
            apiVersion: "v1",
            kind: "ConfigMap",
            namespace,
            name: "about",
            uid: object.metadata.uid,
            resourceVersion: object.metadata.resourceVersion,
          },
          type: "Warning",
          reason: "UpdateFailed",
          message: "the store is away",
          source: { component: "widgets" },
          reportingComponent: "widgets",
          firstTimestamp: "2030-01-01T00:00:00Z",
          lastTimestamp: "2030-01-01T00:00:00Z",
          count: 1,
        },
      ])
    })

    it("counts the same event up instead of writing it again", async () => {
      const { clock, about, recorder, events } = await aRecorder()
      const event = { type: "Normal", reason: "Valid", message: "store validated" } as const
      for (let time = 0; time < 3; time++) {
        recorder.record(about, event)
        await recorder.flush(flushed())
        await clock.advance(60_000)
      }
      recorder.record(about, event)
      recorder.record(about, event)
      await recorder.flush(flushed())
      expect(await events()).toMatchObject([
        { count: 5, firstTimestamp: "2030-01-01T00:00:00Z", lastTimestamp: "2030-01-01T00:03:00Z" },
      ])
    })

    it("keeps events apart that differ in type, reason, message, component or object", async () => {
      const { client, namespace, about, recorder, events } = await aRecorder()
      const event = { type: "Normal", reason: "Created", message: "secret created" } as const
      const other = await client.create(CONFIG_MAPS, { metadata: { namespace, name: "other" } })
      recorder.record(about, event)
      recorder.record(about, { ...event, type: "Warning" })
      recorder.record(about, { ...event, reason: "Updated" })
      recorder.record(about, { ...event, message: "another" })
      recorder.withComponent("gadgets").record(about, event)
      recorder.record(referenceTo(CONFIG_MAPS, other), event)
      await recorder.flush(flushed())
      const written = await events()
      expect(written.map((each) => each.count)).toEqual([1, 1, 1, 1, 1, 1])
      expect(new Set(written.map((each) => each.metadata.name)).size).toBe(6)
      expect(written.filter((each) => each.source?.component === "gadgets")).toHaveLength(1)
    })

    it("writes an event anew that the server has forgotten", async () => {
      const { client, namespace, about, recorder, events } = await aRecorder()
      const event = { type: "Normal", reason: "Valid", message: "store validated" } as const
      recorder.record(about, event)
      await recorder.flush(flushed())
      const name = (await events())[0]?.metadata.name ?? ""
      await client.delete(EVENTS, { namespace, name })
      recorder.record(about, event)
      await recorder.flush(flushed())
      expect((await events()).map((each) => each.count)).toEqual([1])
    })

    it("puts events about cluster-scoped objects into the namespace default", async () => {
      const { client } = cluster()
      const { recorder, namespace } = await aRecorder()
      const object = await client.get(NAMESPACES, { name: namespace })
      recorder.record(referenceTo(NAMESPACES, object), { type: "Normal", reason: "Seen", message: "hello" })
      await recorder.flush(flushed())
      const { items } = await client.listAll(EVENTS, {
        namespace: "default",
        fieldSelector: `involvedObject.name=${namespace}`,
      })
      expect(items).toMatchObject([{ reason: "Seen" }])
    })

    it("cuts a message at 1024 bytes, between characters", async () => {
      const { about, recorder, events } = await aRecorder()
      recorder.record(about, { type: "Warning", reason: "Long", message: `x${"ö".repeat(2_000)}` })
      await recorder.flush(flushed())
      expect((await events())[0]?.message).toBe(`x${"ö".repeat(511)}`)
    })

    it("gives a long-named object's event a name that fits", async () => {
      const { client } = cluster()
      const { namespace, recorder, events } = await aRecorder()
      const name = `${"a".repeat(235)}.${"b".repeat(17)}`
      const object = await client.create(CONFIG_MAPS, { metadata: { namespace, name } })
      recorder.record(referenceTo(CONFIG_MAPS, object), { type: "Normal", reason: "Seen", message: "hello" })
      await recorder.flush(flushed())
      expect((await events())[0]?.involvedObject.name).toBe(name)
    })

    it("limits how much is said about one object", async () => {
      const { clock, about, recorder, events, dropped } = await aRecorder()
      const say = (n: number) =>
        recorder.record(about, { type: "Normal", reason: "Chatty", message: `message ${n}` })
      for (let n = 0; n < 40; n++) say(n)
      await recorder.flush(flushed())
      expect(await events()).toHaveLength(25)
      expect(dropped()).toBe(15)
      await clock.advance(300_000)
      say(40)
      say(41)
      await recorder.flush(flushed())
      expect(await events()).toHaveLength(26)
    })

    it("drops events rather than pile them up", async () => {
      const { about, recorder, events, dropped } = await aRecorder({ queueLimit: 5 })
      for (let n = 0; n < 8; n++)
        recorder.record(about, { type: "Normal", reason: "Flood", message: `message ${n}` })
      await recorder.flush(flushed())
      expect([(await events()).length, dropped()]).toEqual([5, 3])
    })

    it("drops an event that the server refuses, and goes on", async () => {
      const { about, recorder, events, dropped } = await aRecorder()
      recorder.record({ ...about, namespace: "nowhere" }, { type: "Normal", reason: "Lost", message: "gone" })
      recorder.record(about, { type: "Normal", reason: "Fine", message: "there" })
      await recorder.flush(flushed())
      expect((await events()).map((each) => each.reason)).toEqual(["Fine"])
      expect(dropped()).toBe(1)
    })

    it("delivers later what it could not write while the server was away", async () => {
      const { controlPlane, aClient } = cluster()
      const proxy = await startCuttableProxy(controlPlane.url)
      const client = aClient({ server: proxy.url, maxRetries: 0 })
      const { clock, about, recorder, events } = await aRecorder({ client })
      proxy.refuse(true)
      recorder.record(about, { type: "Normal", reason: "Late", message: "hello" })
      await recorder.flush(AbortSignal.timeout(300))
      proxy.refuse(false)
      await clock.advance(5_000)
      await recorder.flush(flushed())
      expect((await events()).map((each) => each.reason)).toEqual(["Late"])
      await proxy.close()
    })
  })
})
