import { EVENTS } from "@coffer/kube-runtime"
import { describe, expect, it } from "vitest"
import type { ExternalSecretStatus } from "./api/external-secret.ts"
import { EXTERNAL_SECRETS, SECRET_STORES, type StoreSpec } from "./api/resources.ts"
import { parseOperatorFlags } from "./config.ts"
import { describeWithCluster, eventually } from "./testing/cluster.ts"
import { startRecordingProxy } from "./testing/recording-proxy.ts"
import { storeScene } from "./testing/store-scene.ts"

describeWithCluster("stores that come after what refers to them", (clusterOf) => {
  const scene = storeScene(clusterOf)
  const { create, get, secret, plain, untilReason, untilSynced } = scene

  const vault = { provider: { vault: { server: "https://vault.example" } } }
  const createStore = (name: string, spec: Partial<StoreSpec> = {}) =>
    scene.cluster.client.create(SECRET_STORES, {
      metadata: { namespace: scene.namespace, name },
      spec: { ...scene.aStore().spec!, ...spec },
    })
  // Objects become known in the order in which they were made: once this one was looked at, so were those before it.
  const untilPassed = async (name: string) => {
    await createStore(name)
    await create(name, { secretStoreRef: { name } })
    await untilSynced(name)
  }
  const left = async (name: string) => {
    const { metadata, status } = await get(name)
    return [metadata.finalizers, status]
  }
  const eventsOf = async (name: string) => {
    const { items } = await scene.cluster.client.listAll(EVENTS, { namespace: scene.namespace })
    return items.filter(({ involvedObject }) => involvedObject.name === name).map(({ message }) => message)
  }

  describe("a late store", () => {
    it("of another operator: nothing is ever written on what refers to it", async () => {
      await create("of-classed", { secretStoreRef: { name: "classed" } })
      await create("of-vault", { secretStoreRef: { name: "vault" } })
      const data = [{ secretKey: "a", remoteRef: { key: "A" }, sourceRef: { storeRef: { name: "vault" } } }]
      await create("of-both", { data })
      await untilPassed("first")
      await createStore("classed", { controller: "other" })
      await createStore("vault", vault)
      await untilPassed("second")
      for (const name of ["of-classed", "of-vault", "of-both"]) {
        expect(await left(name)).toEqual([undefined, undefined])
        expect(await eventsOf(name)).toEqual([])
      }
    })

    it("that never comes is an error that says so, on an object that nothing holds", async () => {
      await create("waiting", { secretStoreRef: { name: "nowhere" } })
      await untilReason("waiting", "SecretSyncedError")
      const { metadata, status } = await get("waiting")
      expect(metadata.finalizers).toBeUndefined()
      expect(status).toMatchObject({ conditions: [{ message: "could not get secret data from provider" }] })
      await eventually(async () =>
        expect((await eventsOf("waiting")).join()).toContain(
          'could not get SecretStore "nowhere", SecretStore.external-secrets.io "nowhere" not found',
        ),
      )
      const key = { namespace: scene.namespace, name: "waiting" }
      await scene.cluster.client.delete(EXTERNAL_SECRETS, key)
      expect(await scene.cluster.client.find(EXTERNAL_SECRETS, key)).toBeUndefined()
    })

    it("of ours: what waited for it is synced and held", async () => {
      await create("waiting", { secretStoreRef: { name: "late" } })
      await untilPassed("other")
      await createStore("late")
      await untilSynced("waiting")
      expect(plain(await secret("waiting"))).toEqual({ a: "1" })
      expect((await get("waiting")).metadata.finalizers).toHaveLength(1)
    })

    it("that this process has not heard of is asked for before anything is called missing", async () => {
      const proxy = await startRecordingProxy(scene.cluster.plane)
      const cluster = { ...scene.cluster.config, server: proxy.url }
      const { leaderElection } = parseOperatorFlags([]).config
      const alone = { leaderElection: { ...leaderElection, enabled: false } }
      const path = `/secretstores/unheard`
      const operator = scene.cluster.startOperator(alone, { cluster })
      try {
        const lists = () => proxy.reads.filter((one) => /\/secretstores$/.test(one)).length
        await eventually(() => expect(lists()).toBe(2)) // the list, and the watch that follows it
        proxy.silence(/\/secretstores$/)
        await createStore("unheard", vault)
        await create("of-unheard", { secretStoreRef: { name: "unheard" } })
        const asked = () => proxy.reads.filter((one) => one.endsWith(path)).length
        await eventually(() => expect(asked()).toBe(2), 40_000) // the second time, nothing came of the first
        expect(await left("of-unheard")).toEqual([undefined, undefined])
        expect(proxy.writes.filter(({ path }) => path.includes("/externalsecrets/"))).toEqual([])
      } finally {
        await operator.stop()
        await proxy.close()
      }
    })
  })

  it("a store that becomes ours takes along what another operator had synced", async () => {
    await createStore("handed-over", { controller: "other" })
    const { metadata } = await create("handed-over", { secretStoreRef: { name: "handed-over" } })
    const key = { namespace: scene.namespace, name: "handed-over" }
    const conditions = [
      { type: "Ready", status: "True", reason: "SecretSynced", message: "secret synced" } as const,
    ]
    const status: ExternalSecretStatus = { conditions, refreshTime: "2026-01-01T00:00:00Z" }
    await scene.cluster.client.patchStatus(EXTERNAL_SECRETS, key, { kind: "merge", body: { status } })
    await untilPassed("other")
    expect((await get("handed-over")).metadata.finalizers).toBeUndefined()
    const body = { spec: { controller: null } }
    await scene.cluster.client.patch(SECRET_STORES, key, { kind: "merge", body })
    await eventually(async () => expect(plain(await secret("handed-over"))).toEqual({ a: "1" }))
    expect((await secret("handed-over")).metadata.ownerReferences?.[0]?.uid).toBe(metadata.uid)
  })
})
