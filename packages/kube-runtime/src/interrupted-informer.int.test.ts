import { describe, expect, it } from "vitest"
import type { KubeClient, ListOptions, WatchOptions } from "./client.ts"
import { CONFIG_MAPS, type ConfigMapObject, EVENTS, type EventObject } from "./core-resources.ts"
import { createInformer } from "./create-informer.ts"
import { createMetricsRegistry } from "./metrics.ts"
import type { Resource } from "./resource.ts"
import { describeWithCluster } from "./testing/cluster.ts"
import { compact } from "./testing/compact.ts"
import { startCuttableProxy } from "./testing/cuttable-proxy.ts"
import { FakeClock } from "./testing/fake-clock.ts"
import { createConfigMap, followInformers } from "./testing/follow-informers.ts"
import { waitFor } from "./testing/wait-for.ts"

const soon = AbortSignal.timeout

describeWithCluster("interrupted informers of a real API server", (cluster) => {
  const { follow, cleanUpWith } = followInformers()

  describe("an informer whose connection breaks", () => {
    /** An informer behind a proxy, in sync, with two objects. */
    async function behindProxy() {
      const { client, controlPlane, aClient, aNamespace } = cluster()
      const namespace = await aNamespace()
      for (const name of ["kept", "gone"]) await createConfigMap(client, namespace, name)
      const proxy = await startCuttableProxy(controlPlane.url)
      cleanUpWith(() => proxy.close())
      const metrics = createMetricsRegistry()
      const informer = createInformer(CONFIG_MAPS, {
        client: aClient({ server: proxy.url, maxRetries: 0 }),
        namespace,
        metrics,
      })
      const followed = follow(informer)
      await informer.waitForSync(soon(10_000))
      await waitFor("the watch", () => informer.health().watching)
      const resyncs = () => metrics.read("coffer_informer_resyncs_total", { resource: "configmaps.v1" })
      return { client, namespace, proxy, informer, resyncs, ...followed }
    }

    it("lists again and tells exactly what changed meanwhile, deletions included", async () => {
      const { client, namespace, proxy, informer, resyncs, told } = await behindProxy()
      proxy.refuse(true)
      proxy.cut()
      await waitFor("the failure to show", () => informer.health().consecutiveFailures > 0)
      expect(informer.health()).toMatchObject({ synced: true, watching: false })
      expect(informer.health().lastError).toBeTruthy()
      await client.delete(CONFIG_MAPS, { namespace, name: "gone" })
      await createConfigMap(client, namespace, "new")
      await client.patch(
        CONFIG_MAPS,
        { namespace, name: "kept" },
        { kind: "merge", body: { data: { x: "1" } } },
      )
      expect(told).toHaveLength(2)
      proxy.refuse(false)
      await waitFor("the resync", () => resyncs() === 2)
      expect(told.slice(2).sort()).toEqual(["add new", "delete gone", "update kept"])
      await createConfigMap(client, namespace, "later")
      await waitFor("the watch to work again", () => told.includes("add later"))
      expect(informer.health()).toMatchObject({ consecutiveFailures: 0, lastError: undefined })
    })

    it("tells nothing when nothing changed", async () => {
      const { proxy, resyncs, told } = await behindProxy()
      proxy.cut()
      await waitFor("the resync", () => resyncs() === 2)
      expect(told.sort()).toEqual(["add gone", "add kept"])
    })

    it("tells a deletion and an addition when a name was used anew", async () => {
      const { client, namespace, proxy, informer, resyncs, told } = await behindProxy()
      proxy.refuse(true)
      proxy.cut()
      await waitFor("the failure to show", () => informer.health().consecutiveFailures > 0)
      await client.delete(CONFIG_MAPS, { namespace, name: "kept" })
      await createConfigMap(client, namespace, "kept")
      proxy.refuse(false)
      await waitFor("the resync", () => resyncs() === 2)
      expect(told.slice(2)).toEqual(["delete kept", "add kept"])
    })

    it("survives being cut again and again", async () => {
      const { client, namespace, proxy, informer } = await behindProxy()
      const names = Array.from({ length: 5 }, (_, index) => `c-${index}`)
      for (const name of names) {
        proxy.cut()
        await createConfigMap(client, namespace, name)
      }
      const last = { namespace, name: "c-4" }
      await waitFor("the last object", () => informer.get(last), 40_000)
      expect(informer.list()).toHaveLength(7)
    })

    it("waits for its first sync as long as it takes, and stops when told", async () => {
      const { controlPlane, aClient } = cluster()
      const proxy = await startCuttableProxy(controlPlane.url)
      cleanUpWith(() => proxy.close())
      proxy.refuse(true)
      const informer = createInformer(CONFIG_MAPS, { client: aClient({ server: proxy.url, maxRetries: 0 }) })
      const { stop, ended } = follow(informer)
      await expect(informer.waitForSync(soon(300))).rejects.toMatchObject({ name: "TimeoutError" })
      expect(informer.hasSynced()).toBe(false)
      proxy.refuse(false)
      await informer.waitForSync(soon(10_000))
      stop.abort()
      await ended
    })
  })

  describe("an informer whose connection dies without a word", () => {
    /** An informer on a clock that the test moves, behind a proxy that has gone silent. */
    async function behindSilence(client: (behind: KubeClient) => KubeClient) {
      const { client: direct, controlPlane, aClient, aNamespace } = cluster()
      const namespace = await aNamespace()
      const proxy = await startCuttableProxy(controlPlane.url)
      cleanUpWith(() => proxy.close())
      const clock = new FakeClock()
      const metrics = createMetricsRegistry()
      const behind = client(aClient({ server: proxy.url, clock }))
      const informer = createInformer(CONFIG_MAPS, {
        client: behind,
        namespace,
        clock,
        metrics,
        random: () => 0,
      })
      const { told } = follow(informer)
      await waitFor("the watch", () => informer.health().watching)
      await createConfigMap(direct, namespace, "heard")
      await waitFor("an event", () => told.includes("add heard"))
      proxy.silence()
      await createConfigMap(direct, namespace, "unheard")
      const resyncs = () => metrics.read("coffer_informer_resyncs_total", { resource: "configmaps.v1" })
      const recovers = () =>
        waitFor("the resync", async () => {
          await clock.advance(100)
          return resyncs() === 2
        })
      return { clock, told, resyncs, recovers }
    }

    it("lists again soon after the server should have ended the watch", async () => {
      const { clock, told, resyncs, recovers } = await behindSilence((client) => client)
      await clock.advance(314_000)
      expect([resyncs(), told]).toEqual([1, ["add heard"]])
      await clock.advance(1_000)
      await recovers()
      expect(told).toEqual(["add heard", "add unheard"])
    })

    it("lists again much sooner where the server sends bookmarks", async () => {
      const withBookmark = (client: KubeClient) =>
        ({
          list: client.list.bind(client),
          async *watch(resource: Resource<ConfigMapObject>, options: WatchOptions) {
            yield { type: "BOOKMARK", resourceVersion: options.resourceVersion }
            yield* client.watch(resource, options)
          },
        }) as unknown as KubeClient
      const { clock, told, resyncs, recovers } = await behindSilence(withBookmark)
      await clock.advance(199_000)
      expect(resyncs()).toBe(1)
      await clock.advance(1_000)
      await recovers()
      expect(told).toEqual(["add heard", "add unheard"])
    })
  })

  describe("an informer whose watches end at once", () => {
    it("does not ask again and again without a pause", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const clock = new FakeClock()
      let watches = 0
      const hasty = {
        list: client.list.bind(client),
        watch() {
          watches++
          return new Set().values()
        },
      } as unknown as KubeClient
      const informer = createInformer(CONFIG_MAPS, { client: hasty, namespace, clock, random: () => 0.5 })
      follow(informer)
      for (const pauseMs of [500, 1_000, 2_000, 4_000]) {
        const before = watches
        await waitFor(
          "the failure",
          () => informer.health().lastError && watches === before + (before === 0 ? 1 : 0),
        )
        await clock.advance(pauseMs - 1)
        expect(watches).toBe(Math.max(before, 1))
        await clock.advance(1)
        await waitFor("the next watch", () => watches === Math.max(before, 1) + 1)
      }
    })
  })

  describe("an informer whose versions are gone", () => {
    const anEvent = (namespace: string, name: string) => ({
      metadata: { namespace, name },
      involvedObject: { namespace, name: "a" },
    })

    it("lists again when the watch asks for a version that was compacted away", async () => {
      const { client, aNamespace, controlPlane } = cluster()
      const namespace = await aNamespace()
      let watches = 0
      const metrics = createMetricsRegistry()
      // The first watch begins only after the version it starts from is gone.
      const late = {
        list: client.list.bind(client),
        async *watch(resource: Resource<EventObject>, options: WatchOptions) {
          if (++watches === 1) {
            for (const name of ["missed", "missed-too"]) await client.create(EVENTS, anEvent(namespace, name))
            await compact(controlPlane, (await client.listAll(EVENTS, { namespace })).resourceVersion)
          }
          yield* client.watch(resource, options)
        },
      } as unknown as KubeClient
      const informer = createInformer(EVENTS, { client: late, namespace, metrics })
      const { told } = follow(informer)
      await waitFor("the missed events", () => told.includes("add missed-too"))
      expect(metrics.read("coffer_informer_resyncs_total", { resource: "events.v1" })).toBe(2)
      await client.create(EVENTS, anEvent(namespace, "next"))
      await waitFor("the next event", () => told.includes("add next"))
    })

    it("tells what vanished while a list expired under way", async () => {
      const { client, aNamespace, controlPlane } = cluster()
      const namespace = await aNamespace()
      for (const name of ["a", "b", "c"]) await client.create(EVENTS, anEvent(namespace, name))
      let pages = 0
      const slow = {
        async *list(resource: Resource<EventObject>, options: ListOptions) {
          for await (const page of client.list(resource, options)) {
            yield page
            if (++pages > 1) continue
            await client.delete(EVENTS, { namespace, name: "a" })
            await compact(controlPlane, (await client.listAll(EVENTS, { namespace })).resourceVersion)
          }
        },
        watch: client.watch.bind(client),
      } as unknown as KubeClient
      const informer = createInformer(EVENTS, { client: slow, namespace, pageSize: 1 })
      const { told } = follow(informer)
      await informer.waitForSync(soon(10_000))
      expect(told).toEqual(["add a", "add b", "add c", "delete a"])
      expect(informer.list()).toHaveLength(2)
    })
  })
})
