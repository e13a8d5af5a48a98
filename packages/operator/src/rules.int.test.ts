import { EVENTS, SECRETS } from "@coffer/kube-runtime"
import { describe, expect, it } from "vitest"
import { CLUSTER_SECRET_STORES, SECRET_STORES } from "./api/resources.ts"
import { describeWithCluster, eventually } from "./testing/cluster.ts"
import { storeScene } from "./testing/store-scene.ts"

describeWithCluster("rules on a real API server", (clusterOf) => {
  const scene = storeScene(clusterOf)
  const { aStore, create, get, secret, plain, untilReason, untilSynced, untilMessage } = scene

  describe("rules", () => {
    it("a Secret of another ExternalSecret or controller is not taken", async () => {
      await create("first", { target: { name: "shared" } })
      await untilSynced("first")
      await create("second", { target: { name: "shared" } })
      await untilMessage("second", "target is owned by another ExternalSecret")
      const controller = {
        apiVersion: "apps/v1",
        kind: "Deployment",
        name: "web",
        uid: "0b0c1c9e-0000-4000-8000-000000000000",
        controller: true,
      }
      await scene.cluster.client.create(SECRETS, {
        metadata: { namespace: scene.namespace, name: "foreign", ownerReferences: [controller] },
      })
      await create("third", { target: { name: "foreign" } })
      await untilMessage("third", "failed to take ownership of target secret")
    })

    it("an existing Secret without an owner is taken over", async () => {
      await scene.cluster.client.create(SECRETS, {
        metadata: { namespace: scene.namespace, name: "taken" },
        stringData: { old: "value" },
      })
      await create("taken")
      await untilSynced("taken")
      expect(plain(await secret("taken"))).toEqual({ a: "1" })
      expect((await secret("taken")).metadata.ownerReferences?.[0]).toMatchObject({
        kind: "ExternalSecret",
        name: "taken",
        controller: true,
      })
    })

    it("an immutable Secret is left as it is", async () => {
      await scene.cluster.client.create(SECRETS, {
        metadata: { namespace: scene.namespace, name: "frozen" },
        stringData: { a: "old" },
        immutable: true,
      })
      await create("frozen")
      await untilMessage("frozen", "could not update secret, target is immutable")
      expect(plain(await secret("frozen"))).toEqual({ a: "old" })
    })

    it("an ExternalSecret whose store is never validated says so instead of waiting for ever", async () => {
      const { spec } = aStore()
      const silent = {
        metadata: { namespace: scene.namespace, name: "silent" },
        spec: { ...spec!, refreshInterval: "1d" },
      }
      await scene.cluster.client.create(SECRET_STORES, silent)
      await create("waiting", { secretStoreRef: { name: "silent" } })
      await untilReason("waiting", "SecretSyncedError")
      const { items } = await scene.cluster.client.listAll(EVENTS, { namespace: scene.namespace })
      const messages = items.filter(({ involvedObject }) => involvedObject.name === "waiting")
      expect(messages.map(({ message }) => message).join()).toContain('SecretStore "silent" is not ready')
    })

    it("a bad duration is that object's own problem", async () => {
      await create("bad-duration", { refreshInterval: "1d" })
      await create("good")
      await untilMessage("bad-duration", "invalid refreshInterval")
      await untilSynced("good")
    })

    it("stores of other classes and of foreign providers are left untouched, with what refers to them", async () => {
      const vault = {
        metadata: { namespace: scene.namespace, name: "vault" },
        spec: { provider: { vault: { server: "https://vault.example" } } },
      }
      const classed = { ...aStore(), metadata: { namespace: scene.namespace, name: "classed" } }
      await scene.cluster.client.create(SECRET_STORES, vault)
      await scene.cluster.client.create(SECRET_STORES, {
        ...classed,
        spec: { ...classed.spec!, controller: "other" },
      })
      // Stores become known in the order in which they were made: once this one is, so are the others.
      const newest = { ...aStore(), metadata: { namespace: scene.namespace, name: "newest" } }
      await scene.cluster.client.create(SECRET_STORES, newest)
      await create("of-newest", { secretStoreRef: { name: "newest" } })
      await untilSynced("of-newest")
      await create("of-vault", { secretStoreRef: { name: "vault" } })
      await create("of-classed", { secretStoreRef: { name: "classed" } })
      await create("ours")
      await untilSynced("ours")
      for (const name of ["of-vault", "of-classed"]) {
        const { metadata, status } = await get(name)
        expect([metadata.finalizers, status]).toEqual([undefined, undefined])
      }
      for (const name of ["vault", "classed"])
        expect(
          (await scene.cluster.client.get(SECRET_STORES, { namespace: scene.namespace, name })).status,
        ).toBeUndefined()
    })

    it("an ExternalSecret whose store becomes ready is synced at once", async () => {
      await scene.cluster.client.delete(SECRET_STORES, { namespace: scene.namespace, name: "store" })
      await create("early")
      await untilReason("early", "SecretSyncedError")
      await scene.cluster.client.create(SECRET_STORES, aStore())
      await untilSynced("early")
    })

    it("a store whose slug is corrected recovers, and its condition tells", async () => {
      scene.answers = { status: 404, body: { message: "Project with slug 'typo' not found" } }
      const key = { namespace: scene.namespace, name: "broken" }
      await scene.cluster.client.create(SECRET_STORES, { ...aStore({ projectSlug: "typo" }), metadata: key })
      const ready = async () => (await scene.cluster.client.get(SECRET_STORES, key)).status?.conditions?.[0]
      await eventually(async () =>
        expect(await ready()).toMatchObject({
          status: "False",
          reason: "InvalidProviderConfig",
          message: "unable to validate store",
        }),
      )
      scene.answers = undefined
      const body = { spec: { provider: { infisical: { secretsScope: { projectSlug: "shop" } } } } }
      await scene.cluster.client.patch(SECRET_STORES, key, { kind: "merge", body })
      await eventually(async () => expect(await ready()).toMatchObject({ status: "True", reason: "Valid" }))
    })

    it("a cluster-wide store without a namespace on its credentials says so", async () => {
      const { spec } = aStore()
      const name = `cluster-wide-${scene.namespace}`
      await scene.cluster.client.create(CLUSTER_SECRET_STORES, { metadata: { name }, spec: spec! })
      await eventually(async () => {
        const store = await scene.cluster.client.get(CLUSTER_SECRET_STORES, { name })
        expect(store.status?.conditions?.[0]).toMatchObject({
          status: "False",
          message: "unable to create client",
        })
      })
      await scene.cluster.client.delete(CLUSTER_SECRET_STORES, { name })
    })
  })
})
