import { afterEach, describe, expect, it } from "vitest"
import type { KubeClient, ListOptions, WatchOptions } from "./client.ts"
import { CONFIG_MAPS, type ConfigMapObject, EVENTS, type EventObject, SECRETS } from "./core-resources.ts"
import { createInformer, createMetadataInformer } from "./create-informer.ts"
import type { Change, Informer } from "./informer.ts"
import { createMetricsRegistry } from "./metrics.ts"
import type { KubeObject, Resource } from "./resource.ts"
import { describeWithCluster } from "./testing/cluster.ts"
import { compact } from "./testing/compact.ts"
import { startCuttableProxy } from "./testing/cuttable-proxy.ts"
import { FakeClock } from "./testing/fake-clock.ts"
import { waitFor } from "./testing/wait-for.ts"

describeWithCluster("informers of a real API server", (cluster) => {
  const cleanUp: (() => Promise<unknown> | unknown)[] = []
  afterEach(async () => {
    for (const end of cleanUp.splice(0).reverse()) await end()
  })

  /** Starts the informer and writes down what it tells, as `kind name`. */
  function follow<T extends KubeObject>(informer: Informer<T>) {
    const told: string[] = []
    const changes: Change<T>[] = []
    informer.subscribe((change) => {
      changes.push(change)
      told.push(`${change.kind} ${change.object.metadata.name}`)
    })
    const stop = new AbortController()
    const ended = informer.run(stop.signal)
    cleanUp.push(async () => {
      stop.abort()
      await ended
    })
    return { told, changes, stop, ended }
  }

  const create = (client: KubeClient, namespace: string, name: string, more: Partial<ConfigMapObject> = {}) =>
    client.create(CONFIG_MAPS, { ...more, metadata: { namespace, name, ...more.metadata } })
  const soon = AbortSignal.timeout

  describe("an informer", () => {
    it("tells what is there, then every change, and keeps a copy", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      await create(client, namespace, "before", { data: { x: "1" } })
      const informer = createInformer(CONFIG_MAPS, { client, namespace })
      const { told, changes } = follow(informer)
      expect(informer.hasSynced()).toBe(false)
      await informer.waitForSync(soon(10_000))
      expect(told).toEqual(["add before"])
      expect(changes[0]).toMatchObject({ kind: "add", initial: true })

      const key = { namespace, name: "after" }
      await create(client, namespace, "after")
      await waitFor("the addition", () => informer.get(key))
      await client.patch(CONFIG_MAPS, key, { kind: "merge", body: { data: { y: "2" } } })
      await waitFor("the update", () => informer.get(key)?.data?.["y"] === "2")
      await client.delete(CONFIG_MAPS, key)
      await waitFor("the deletion", () => !informer.get(key))
      expect(told).toEqual(["add before", "add after", "update after", "delete after"])
      expect(changes[1]).toMatchObject({ initial: false })
      expect(changes[2]).toMatchObject({ object: { data: { y: "2" } } })
      expect(changes[3]).toMatchObject({ object: { data: { y: "2" } } })
      expect(informer.list().map((object) => object.metadata.name)).toEqual(["before"])
      expect(informer.health()).toMatchObject({
        synced: true,
        watching: true,
        objects: 1,
        consecutiveFailures: 0,
      })
    })

    it("drops field ownership, and whatever else it is told to drop", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      await create(client, namespace, "a", { data: { big: "x".repeat(1000), small: "y" } })
      const plain = createInformer(CONFIG_MAPS, { client, namespace })
      const lean = createInformer(CONFIG_MAPS, {
        client,
        namespace,
        transform: ({ apiVersion, kind, metadata: { name, namespace: home, uid, resourceVersion } }) => ({
          ...(apiVersion && kind ? { apiVersion, kind } : {}),
          metadata: { name, namespace: home, uid, resourceVersion } as ConfigMapObject["metadata"],
        }),
      })
      for (const informer of [plain, lean]) {
        follow(informer)
        await informer.waitForSync(soon(10_000))
      }
      expect(plain.get({ namespace, name: "a" })?.metadata.managedFields).toBeUndefined()
      expect(plain.get({ namespace, name: "a" })?.data?.["small"]).toBe("y")
      expect(lean.get({ namespace, name: "a" })?.data).toBeUndefined()
    })

    it("finds objects by index, through every change", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const informer = createInformer(CONFIG_MAPS, {
        client,
        namespace,
        pageSize: 2,
        indexers: { colour: (object) => (object.data?.["colours"] ?? "").split(",") },
      })
      for (const [name, colours] of Object.entries({ a: "red,blue", b: "blue", c: "green" })) {
        await create(client, namespace, name, { data: { colours } })
      }
      follow(informer)
      await informer.waitForSync(soon(10_000))
      const of = (colour: string) => informer.byIndex("colour", colour).map((object) => object.metadata.name)
      expect([of("red"), of("blue"), of("green"), of("black")]).toEqual([["a"], ["a", "b"], ["c"], []])
      await client.patch(
        CONFIG_MAPS,
        { namespace, name: "a" },
        { kind: "merge", body: { data: { colours: "green" } } },
      )
      await client.delete(CONFIG_MAPS, { namespace, name: "b" })
      await waitFor("the changes", () => of("blue").length === 0)
      expect([of("red"), of("green")]).toEqual([[], ["c", "a"]])
      expect(() => informer.byIndex("size", "x")).toThrow('there is no index "size"')
    })

    it("sees only what its selectors choose, and tells when an object leaves them", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      await create(client, namespace, "yes", { metadata: { labels: { pick: "1" } } })
      await create(client, namespace, "no")
      const informer = createInformer(CONFIG_MAPS, { client, namespace, labelSelector: "pick=1" })
      const { told } = follow(informer)
      await informer.waitForSync(soon(10_000))
      const body = { metadata: { labels: { pick: null } } }
      await client.patch(CONFIG_MAPS, { namespace, name: "yes" }, { kind: "merge", body })
      await waitFor("the departure", () => told.length === 2)
      expect(told).toEqual(["add yes", "delete yes"])
    })

    it("tells a late subscriber what is there already", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      await create(client, namespace, "a")
      const informer = createInformer(CONFIG_MAPS, { client, namespace })
      follow(informer)
      await informer.waitForSync(soon(10_000))
      const late: unknown[] = []
      const unsubscribe = informer.subscribe((change) => late.push(change))
      expect(late).toMatchObject([{ kind: "add", initial: true, object: { metadata: { name: "a" } } }])
      unsubscribe()
      await create(client, namespace, "b")
      await waitFor("the addition", () => informer.get({ namespace, name: "b" }))
      expect(late).toHaveLength(1)
    })

    it("goes on when a handler throws", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      await create(client, namespace, "a")
      const informer = createInformer(CONFIG_MAPS, { client, namespace })
      informer.subscribe(() => {
        throw new Error("a handler's mistake")
      })
      const { told } = follow(informer)
      await informer.waitForSync(soon(10_000))
      expect(told).toEqual(["add a"])
    })
  })

  describe("an informer whose connection breaks", () => {
    /** An informer behind a proxy, in sync, with two objects. */
    async function behindProxy() {
      const { client, controlPlane, aClient, aNamespace } = cluster()
      const namespace = await aNamespace()
      for (const name of ["kept", "gone"]) await create(client, namespace, name)
      const proxy = await startCuttableProxy(controlPlane.url)
      cleanUp.push(() => proxy.close())
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
      await create(client, namespace, "new")
      await client.patch(
        CONFIG_MAPS,
        { namespace, name: "kept" },
        { kind: "merge", body: { data: { x: "1" } } },
      )
      expect(told).toHaveLength(2)
      proxy.refuse(false)
      await waitFor("the resync", () => resyncs() === 2)
      expect(told.slice(2).sort()).toEqual(["add new", "delete gone", "update kept"])
      await create(client, namespace, "later")
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
      await create(client, namespace, "kept")
      proxy.refuse(false)
      await waitFor("the resync", () => resyncs() === 2)
      expect(told.slice(2)).toEqual(["delete kept", "add kept"])
    })

    it("survives being cut again and again", async () => {
      const { client, namespace, proxy, informer } = await behindProxy()
      const names = Array.from({ length: 5 }, (_, index) => `c-${index}`)
      for (const name of names) {
        proxy.cut()
        await create(client, namespace, name)
      }
      const last = { namespace, name: "c-4" }
      await waitFor("the last object", () => informer.get(last), 40_000)
      expect(informer.list()).toHaveLength(7)
    })

    it("waits for its first sync as long as it takes, and stops when told", async () => {
      const { controlPlane, aClient } = cluster()
      const proxy = await startCuttableProxy(controlPlane.url)
      cleanUp.push(() => proxy.close())
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
      cleanUp.push(() => proxy.close())
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
      await create(direct, namespace, "heard")
      await waitFor("an event", () => told.includes("add heard"))
      proxy.silence()
      await create(direct, namespace, "unheard")
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

  describe("a metadata informer of Secrets", () => {
    it("never receives data, neither by list nor by watch", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const canary = Buffer.from("C4N4RY").toString("base64")
      const secret = (name: string) =>
        client.create(SECRETS, { metadata: { namespace, name }, data: { p: canary } })
      await secret("listed")
      const metrics = createMetricsRegistry()
      const informer = createMetadataInformer(SECRETS, { client, namespace, metrics })
      const { told, changes } = follow(informer)
      await informer.waitForSync(soon(10_000))
      await secret("watched")
      await waitFor("the addition", () => told.length === 2)
      const body = { metadata: { labels: { touched: "yes" } } }
      await client.patch(SECRETS, { namespace, name: "watched" }, { kind: "merge", body })
      await waitFor("the update", () => told.length === 3)
      await client.delete(SECRETS, { namespace, name: "watched" })
      await waitFor("the deletion", () => told.length === 4)
      expect(metrics.read("coffer_informer_resyncs_total", { resource: "secrets.v1" })).toBe(1)
      for (const { object } of changes) {
        expect(Object.keys(object).sort()).toEqual(["apiVersion", "kind", "metadata"])
        expect(object.kind).toBe("PartialObjectMetadata")
      }
      expect(JSON.stringify([changes, informer.list()])).not.toContain(canary)
      expect(changes[2]).toMatchObject({ object: { metadata: { labels: { touched: "yes" } } } })
    })
  })
})
