import { SECRETS } from "@coffer/kube-runtime"
import { describe, expect, it } from "vitest"
import { fieldManagerOf } from "./api/names.ts"
import { EXTERNAL_SECRETS } from "./api/resources.ts"
import { describeWithCluster, eventually } from "./testing/cluster.ts"
import { storeScene } from "./testing/store-scene.ts"

describeWithCluster("ExternalSecrets on a real API server", (clusterOf) => {
  const scene = storeScene(clusterOf)
  const { create, get, secret, findSecret, plain, touch, condition, untilSynced, pause } = scene

  describe("the life of a target Secret", () => {
    it("a value that changes reaches the Secret within the refresh interval", async () => {
      await create("periodic", { refreshInterval: "2s" })
      await untilSynced("periodic")
      scene.values = { ...scene.values, A: "changed" }
      // The interval, and what a busy machine takes to notice: far less than the hour of the default.
      await eventually(async () => expect(plain(await secret("periodic"))).toEqual({ a: "changed" }), 10_000)
    })

    it("an unchanged source causes no write to the Secret and one conditional request per interval", async () => {
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => create(`equal-${index}`, { refreshInterval: "2s" })),
      )
      for (let index = 0; index < 20; index++) await untilSynced(`equal-${index}`)
      const versions = async () =>
        Promise.all(
          Array.from(
            { length: 20 },
            async (_, index) => (await secret(`equal-${index}`)).metadata.resourceVersion,
          ),
        )
      const before = await versions()
      const first = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => (await get(`equal-${index}`)).status?.refreshTime),
      )
      const startedMs = Date.now()
      scene.calls.length = 0
      await eventually(async () => {
        for (let index = 0; index < 20; index++) {
          const refreshed = Date.parse((await get(`equal-${index}`)).status?.refreshTime ?? "")
          expect(refreshed).toBeGreaterThanOrEqual(Date.parse(first[index] ?? "") + 6_000)
        }
      })
      const intervals = (Date.now() - startedMs) / 2_000
      expect(await versions()).toEqual(before)
      expect(new Set(scene.calls)).toEqual(new Set(["GetSecretsV3"]))
      expect(scene.calls.length).toBeLessThanOrEqual(Math.ceil(intervals) + 1)
    })

    it("ExternalSecrets made at different moments share one request per scope and interval", async () => {
      const names = ["early", "middle", "late", "last"]
      for (const name of names) {
        await create(name, { refreshInterval: "3s" })
        await untilSynced(name)
        await pause(700)
      }
      await pause(3_000) // from now on they keep the beat of their store
      const versions = () =>
        Promise.all(names.map(async (name) => (await secret(name)).metadata.resourceVersion))
      const before = await versions()
      const startMs = performance.now()
      scene.times.length = 0
      await eventually(() => expect(scene.times.length).toBeGreaterThanOrEqual(4))
      const calls = [...scene.times]
      // None comes early; one that was due before may have come late. Four that share nothing come within one interval.
      const beats = Math.ceil((performance.now() - startMs) / 3_000) + 1
      expect(calls.length).toBeLessThanOrEqual(beats)
      expect(await versions()).toEqual(before)
      expect(calls.map(({ name }) => name)).toEqual(calls.map(() => "GetSecretsV3"))
    })

    it("a force-sync annotation fetches at once", async () => {
      await create("forced")
      await untilSynced("forced")
      scene.values = { ...scene.values, A: "new" }
      await touch("forced", "1")
      await eventually(async () => expect(plain(await secret("forced"))).toEqual({ a: "new" }))
    })

    it("drift is repaired and a deleted Secret comes back", async () => {
      await create("drift")
      await untilSynced("drift")
      const edited = { data: { a: Buffer.from("tampered").toString("base64"), extra: "eA==" } }
      await scene.cluster.client.patch(
        SECRETS,
        { namespace: scene.namespace, name: "drift" },
        { kind: "merge", body: edited },
      )
      await eventually(async () => expect(plain(await secret("drift"))).toEqual({ a: "1" }))
      await scene.cluster.client.delete(SECRETS, { namespace: scene.namespace, name: "drift" })
      await eventually(async () => expect(plain(await secret("drift"))).toEqual({ a: "1" }))
    })

    it("a Secret whose managed label was taken away is taken over again", async () => {
      await create("label")
      await untilSynced("label")
      const body = {
        metadata: { labels: { "reconcile.external-secrets.io/managed": null } },
        data: { a: "eA==" },
      }
      await scene.cluster.client.patch(
        SECRETS,
        { namespace: scene.namespace, name: "label" },
        { kind: "merge", body },
      )
      await eventually(async () => expect(plain(await secret("label"))).toEqual({ a: "1" }))
    })

    it("a renamed target leaves no orphan behind", async () => {
      await create("rename", { target: { name: "old-name" } })
      await untilSynced("rename")
      await scene.cluster.client.patch(
        EXTERNAL_SECRETS,
        { namespace: scene.namespace, name: "rename" },
        { kind: "merge", body: { spec: { target: { name: "new-name" } } } },
      )
      await eventually(async () => {
        expect(plain(await secret("new-name"))).toEqual({ a: "1" })
        expect(await findSecret("old-name")).toBeUndefined()
      })
      expect((await get("rename")).status?.binding?.name).toBe("new-name")
    })

    it("Merge keeps foreign keys and takes away its own", async () => {
      await scene.cluster.client.create(SECRETS, {
        metadata: { namespace: scene.namespace, name: "merged" },
        stringData: { foreign: "kept" },
      })
      const both = [
        { secretKey: "a", remoteRef: { key: "A" } },
        { secretKey: "b", remoteRef: { key: "B" } },
      ]
      await create("merger", { target: { name: "merged", creationPolicy: "Merge" }, data: both })
      await untilSynced("merger")
      expect(plain(await secret("merged"))).toEqual({ foreign: "kept", a: "1", b: "2" })
      await scene.cluster.client.patch(
        EXTERNAL_SECRETS,
        { namespace: scene.namespace, name: "merger" },
        { kind: "merge", body: { spec: { data: both.slice(1) } } },
      )
      await eventually(async () => expect(plain(await secret("merged"))).toEqual({ foreign: "kept", b: "2" }))
    })

    it("labels that the ExternalSecret no longer has go away, also under a hashed field manager", async () => {
      const name = "externalsecret-with-a-long-name-28"
      await create(name, {}, { labels: { old: "yes" } })
      await untilSynced(name)
      await scene.cluster.client.patch(
        EXTERNAL_SECRETS,
        { namespace: scene.namespace, name },
        { kind: "merge", body: { metadata: { labels: { old: null, fresh: "yes" } } } },
      )
      await eventually(async () =>
        expect((await secret(name)).metadata.labels).toMatchObject({ fresh: "yes" }),
      )
      const { labels, managedFields } = (await secret(name)).metadata
      expect(labels).not.toHaveProperty("old")
      expect(managedFields?.map((entry) => entry.manager)).toEqual([fieldManagerOf(name)])
    })
  })

  describe("refresh policies", () => {
    it("CreatedOnce and OnChange keep the value until what they wait for, and Periodic with 0 for ever", async () => {
      await create("once", { refreshPolicy: "CreatedOnce", refreshInterval: "1s" })
      await create("on-change", { refreshPolicy: "OnChange", refreshInterval: "1s" })
      await create("zero", { refreshInterval: "0" })
      await create("periodic", { refreshInterval: "1s" })
      for (const name of ["once", "on-change", "zero", "periodic"]) await untilSynced(name)
      scene.values = { ...scene.values, A: "new" }
      await eventually(async () => expect(plain(await secret("periodic"))).toEqual({ a: "new" }))
      await pause(1_500)
      for (const name of ["once", "on-change", "zero"]) expect(plain(await secret(name))).toEqual({ a: "1" })
      for (const name of ["once", "on-change", "zero"]) await touch(name, "1")
      await eventually(async () => expect(plain(await secret("on-change"))).toEqual({ a: "new" }))
      await pause(500)
      for (const name of ["once", "zero"]) expect(plain(await secret(name))).toEqual({ a: "1" })
      for (const name of ["once", "zero"])
        await scene.cluster.client.delete(SECRETS, { namespace: scene.namespace, name })
      for (const name of ["once", "zero"])
        await eventually(async () => expect(plain(await secret(name))).toEqual({ a: "new" }))
    })

    it("a target that is to be immutable is made so, and never written again", async () => {
      await create("frozen-target", { target: { immutable: true }, refreshInterval: "1s" })
      await untilSynced("frozen-target")
      expect((await secret("frozen-target")).immutable).toBe(true)
      const { resourceVersion } = (await secret("frozen-target")).metadata
      const { refreshTime } = (await get("frozen-target")).status ?? {}
      scene.values = { ...scene.values, A: "new" }
      await eventually(async () =>
        expect((await get("frozen-target")).status?.refreshTime).not.toBe(refreshTime),
      )
      await pause(1_200)
      expect(await condition("frozen-target")).toMatchObject({ status: "True", reason: "SecretSynced" })
      expect((await secret("frozen-target")).metadata.resourceVersion).toBe(resourceVersion)
    })
  })
})
