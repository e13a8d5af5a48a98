import { describe, expect, it } from "vitest"
import { CONFIG_MAPS, type ConfigMapObject, SECRETS } from "./core-resources.ts"
import { createInformer, createMetadataInformer } from "./create-informer.ts"
import { createMetricsRegistry } from "./metrics.ts"
import { describeWithCluster } from "./testing/cluster.ts"
import { createConfigMap, followInformers } from "./testing/follow-informers.ts"
import { waitFor } from "./testing/wait-for.ts"

const soon = AbortSignal.timeout

describeWithCluster("informers of a real API server", (cluster) => {
  const { follow } = followInformers()

  describe("an informer", () => {
    it("tells what is there, then every change, and keeps a copy", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      await createConfigMap(client, namespace, "before", { data: { x: "1" } })
      const informer = createInformer(CONFIG_MAPS, { client, namespace })
      const { told, changes } = follow(informer)
      expect(informer.hasSynced()).toBe(false)
      await informer.waitForSync(soon(10_000))
      expect(told).toEqual(["add before"])
      expect(changes[0]).toMatchObject({ kind: "add", initial: true })

      const key = { namespace, name: "after" }
      await createConfigMap(client, namespace, "after")
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
      await createConfigMap(client, namespace, "a", { data: { big: "x".repeat(1000), small: "y" } })
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
        await createConfigMap(client, namespace, name, { data: { colours } })
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
      await createConfigMap(client, namespace, "yes", { metadata: { labels: { pick: "1" } } })
      await createConfigMap(client, namespace, "no")
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
      await createConfigMap(client, namespace, "a")
      const informer = createInformer(CONFIG_MAPS, { client, namespace })
      follow(informer)
      await informer.waitForSync(soon(10_000))
      const late: unknown[] = []
      const unsubscribe = informer.subscribe((change) => late.push(change))
      expect(late).toMatchObject([{ kind: "add", initial: true, object: { metadata: { name: "a" } } }])
      unsubscribe()
      await createConfigMap(client, namespace, "b")
      await waitFor("the addition", () => informer.get({ namespace, name: "b" }))
      expect(late).toHaveLength(1)
    })

    it("goes on when a handler throws", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      await createConfigMap(client, namespace, "a")
      const informer = createInformer(CONFIG_MAPS, { client, namespace })
      informer.subscribe(() => {
        throw new Error("a handler's mistake")
      })
      const { told } = follow(informer)
      await informer.waitForSync(soon(10_000))
      expect(told).toEqual(["add a"])
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
