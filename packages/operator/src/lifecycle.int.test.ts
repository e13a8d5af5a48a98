import { EVENTS, NAMESPACES, SECRETS, type SecretObject } from "@coffer/kube-runtime"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import type { ExternalSecretSpec } from "./api/external-secret.ts"
import { EXTERNAL_SECRET_FINALIZER, fieldManagerOf } from "./api/names.ts"
import {
  CLUSTER_SECRET_STORES,
  EXTERNAL_SECRETS,
  type ExternalSecret,
  SECRET_STORES,
  type SecretStore,
} from "./api/resources.ts"
import { describeWithCluster, eventually, type RunningOperator, type TestCluster } from "./testing/cluster.ts"
import {
  listed,
  type SecretServer,
  type StandInAnswer,
  secretMissing,
  startSecretServer,
} from "./testing/secret-server.ts"

describeWithCluster("ExternalSecrets on a real API server", (clusterOf) => {
  let cluster: TestCluster
  let server: SecretServer
  let operator: RunningOperator
  let namespace: string
  let values: Record<string, string>
  let answers: StandInAnswer | undefined
  const calls: string[] = []
  const times: { name: string; atMs: number }[] = []
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  let count = 0

  beforeAll(async () => {
    cluster = clusterOf()
    server = await startSecretServer({
      list: () => answers ?? listed(values),
      single: (name) => answers ?? secretMissing(name),
    })
  })
  afterAll(async () => {
    await server?.close()
  })
  beforeEach(async () => {
    namespace = `life-${++count}`
    values = { A: "1", B: "2" }
    answers = undefined
    await cluster.client.create(NAMESPACES, { metadata: { name: namespace } })
    await cluster.client.create(SECRETS, {
      metadata: { namespace, name: "credentials" },
      stringData: { id: "cid", secret: "csecret" },
    })
    await cluster.client.create(SECRET_STORES, aStore())
    calls.length = 0
    operator = cluster.startOperator(
      {},
      {
        onProviderCall: ({ name }) => {
          calls.push(name)
          times.push({ name, atMs: performance.now() })
        },
      },
    )
  })
  afterEach(async () => {
    answers = undefined
    for (const { metadata } of (await cluster.client.listAll(EXTERNAL_SECRETS, { namespace })).items) {
      await cluster.client.delete(EXTERNAL_SECRETS, { namespace, name: metadata.name! })
    }
    await eventually(async () => expect((await cluster.client.listAll(EXTERNAL_SECRETS)).items).toEqual([]))
    for (const { metadata } of (await cluster.client.listAll(SECRET_STORES, { namespace })).items) {
      await cluster.client.delete(SECRET_STORES, { namespace, name: metadata.name! })
    }
    await operator.stop()
  })

  function aStore(scope: object = {}): SecretStore {
    return {
      metadata: { namespace, name: "store" },
      spec: {
        provider: {
          infisical: {
            hostAPI: server.url,
            auth: {
              universalAuthCredentials: {
                clientId: { name: "credentials", key: "id" },
                clientSecret: { name: "credentials", key: "secret" },
              },
            },
            secretsScope: { projectSlug: "shop", environmentSlug: "prod", ...scope },
          },
        },
      },
    }
  }

  const create = (name: string, spec: ExternalSecretSpec = {}, metadata: object = {}) =>
    cluster.client.create<ExternalSecret>(EXTERNAL_SECRETS, {
      metadata: { namespace, name, ...metadata },
      spec: {
        refreshInterval: "1h",
        secretStoreRef: { name: "store" },
        data: [{ secretKey: "a", remoteRef: { key: "A" } }],
        ...spec,
      },
    })
  const get = (name: string) => cluster.client.get(EXTERNAL_SECRETS, { namespace, name })
  const secret = (name: string) => cluster.client.get(SECRETS, { namespace, name })
  const findSecret = (name: string) => cluster.client.find(SECRETS, { namespace, name })
  const plain = (object: SecretObject) =>
    Object.fromEntries(
      Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
    )
  const touch = (name: string, mark: string) =>
    cluster.client.patch(
      EXTERNAL_SECRETS,
      { namespace, name },
      { kind: "merge", body: { metadata: { annotations: { "force-sync": mark } } } },
    )
  const condition = async (name: string) => (await get(name)).status?.conditions?.[0]
  const untilReason = (name: string, reason: string) =>
    eventually(async () => expect((await condition(name))?.reason).toBe(reason))
  const untilSynced = (name: string) => untilReason(name, "SecretSynced")
  const untilMessage = (name: string, message: string) =>
    eventually(async () => expect((await condition(name))?.message).toBe(message))

  describe("the life of a target Secret", () => {
    it("a value that changes reaches the Secret within the refresh interval", async () => {
      await create("periodic", { refreshInterval: "2s" })
      await untilSynced("periodic")
      values = { ...values, A: "changed" }
      await eventually(async () => expect(plain(await secret("periodic"))).toEqual({ a: "changed" }), 5_000)
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
      calls.length = 0
      await eventually(async () => {
        for (let index = 0; index < 20; index++) {
          const refreshed = Date.parse((await get(`equal-${index}`)).status?.refreshTime ?? "")
          expect(refreshed).toBeGreaterThanOrEqual(Date.parse(first[index] ?? "") + 6_000)
        }
      })
      const intervals = (Date.now() - startedMs) / 2_000
      expect(await versions()).toEqual(before)
      expect(new Set(calls)).toEqual(new Set(["GetSecretsV3"]))
      expect(calls.length).toBeLessThanOrEqual(Math.ceil(intervals) + 1)
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
      times.length = 0
      await pause(12_500)
      expect(await versions()).toEqual(before)
      expect(times.map(({ name }) => name)).toEqual(times.map(() => "GetSecretsV3"))
      const atMs = times.map((call) => call.atMs - startMs)
      expect(atMs.length).toBeGreaterThanOrEqual(4)
      expect(atMs.length).toBeLessThanOrEqual(5)
      const gaps = atMs.slice(1).map((ms, index) => ms - (atMs[index] ?? 0))
      for (const gap of gaps) expect(gap).toBeGreaterThan(2_000)
    })

    it("a force-sync annotation fetches at once", async () => {
      await create("forced")
      await untilSynced("forced")
      values = { ...values, A: "new" }
      await touch("forced", "1")
      await eventually(async () => expect(plain(await secret("forced"))).toEqual({ a: "new" }))
    })

    it("drift is repaired and a deleted Secret comes back", async () => {
      await create("drift")
      await untilSynced("drift")
      const edited = { data: { a: Buffer.from("tampered").toString("base64"), extra: "eA==" } }
      await cluster.client.patch(SECRETS, { namespace, name: "drift" }, { kind: "merge", body: edited })
      await eventually(async () => expect(plain(await secret("drift"))).toEqual({ a: "1" }))
      await cluster.client.delete(SECRETS, { namespace, name: "drift" })
      await eventually(async () => expect(plain(await secret("drift"))).toEqual({ a: "1" }))
    })

    it("a Secret whose managed label was taken away is taken over again", async () => {
      await create("label")
      await untilSynced("label")
      const body = {
        metadata: { labels: { "reconcile.external-secrets.io/managed": null } },
        data: { a: "eA==" },
      }
      await cluster.client.patch(SECRETS, { namespace, name: "label" }, { kind: "merge", body })
      await eventually(async () => expect(plain(await secret("label"))).toEqual({ a: "1" }))
    })

    it("a renamed target leaves no orphan behind", async () => {
      await create("rename", { target: { name: "old-name" } })
      await untilSynced("rename")
      await cluster.client.patch(
        EXTERNAL_SECRETS,
        { namespace, name: "rename" },
        { kind: "merge", body: { spec: { target: { name: "new-name" } } } },
      )
      await eventually(async () => {
        expect(plain(await secret("new-name"))).toEqual({ a: "1" })
        expect(await findSecret("old-name")).toBeUndefined()
      })
      expect((await get("rename")).status?.binding?.name).toBe("new-name")
    })

    it("Merge keeps foreign keys and takes away its own", async () => {
      await cluster.client.create(SECRETS, {
        metadata: { namespace, name: "merged" },
        stringData: { foreign: "kept" },
      })
      const both = [
        { secretKey: "a", remoteRef: { key: "A" } },
        { secretKey: "b", remoteRef: { key: "B" } },
      ]
      await create("merger", { target: { name: "merged", creationPolicy: "Merge" }, data: both })
      await untilSynced("merger")
      expect(plain(await secret("merged"))).toEqual({ foreign: "kept", a: "1", b: "2" })
      await cluster.client.patch(
        EXTERNAL_SECRETS,
        { namespace, name: "merger" },
        { kind: "merge", body: { spec: { data: both.slice(1) } } },
      )
      await eventually(async () => expect(plain(await secret("merged"))).toEqual({ foreign: "kept", b: "2" }))
    })

    it("labels that the ExternalSecret no longer has go away, also under a hashed field manager", async () => {
      const name = "externalsecret-with-a-long-name-28"
      await create(name, {}, { labels: { old: "yes" } })
      await untilSynced(name)
      await cluster.client.patch(
        EXTERNAL_SECRETS,
        { namespace, name },
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
      values = { ...values, A: "new" }
      await eventually(async () => expect(plain(await secret("periodic"))).toEqual({ a: "new" }))
      await pause(1_500)
      for (const name of ["once", "on-change", "zero"]) expect(plain(await secret(name))).toEqual({ a: "1" })
      for (const name of ["once", "on-change", "zero"]) await touch(name, "1")
      await eventually(async () => expect(plain(await secret("on-change"))).toEqual({ a: "new" }))
      await pause(500)
      for (const name of ["once", "zero"]) expect(plain(await secret(name))).toEqual({ a: "1" })
      for (const name of ["once", "zero"]) await cluster.client.delete(SECRETS, { namespace, name })
      for (const name of ["once", "zero"])
        await eventually(async () => expect(plain(await secret(name))).toEqual({ a: "new" }))
    })

    it("a target that is to be immutable is made so, and never written again", async () => {
      await create("frozen-target", { target: { immutable: true }, refreshInterval: "1s" })
      await untilSynced("frozen-target")
      expect((await secret("frozen-target")).immutable).toBe(true)
      const { resourceVersion } = (await secret("frozen-target")).metadata
      const { refreshTime } = (await get("frozen-target")).status ?? {}
      values = { ...values, A: "new" }
      await eventually(async () =>
        expect((await get("frozen-target")).status?.refreshTime).not.toBe(refreshTime),
      )
      await pause(1_200)
      expect(await condition("frozen-target")).toMatchObject({ status: "True", reason: "SecretSynced" })
      expect((await secret("frozen-target")).metadata.resourceVersion).toBe(resourceVersion)
    })
  })

  describe("deletion", () => {
    it("of a target that the API server refuses is reported as that, and tried again", async () => {
      const name = `keep-${namespace}`
      const group = "admissionregistration.k8s.io/v1"
      const policy = (kind: string, spec: object) =>
        JSON.stringify({ apiVersion: group, kind, metadata: { name }, spec })
      const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["secrets"] }
      const expression = `oldObject.metadata.namespace != "${namespace}"`
      await cluster.kubectl(
        ["apply", "-f", "-"],
        policy("ValidatingAdmissionPolicy", {
          matchConstraints: { resourceRules: [rule] },
          validations: [{ expression, message: "kept" }],
        }),
      )
      await cluster.kubectl(
        ["apply", "-f", "-"],
        policy("ValidatingAdmissionPolicyBinding", { policyName: name, validationActions: ["Deny"] }),
      )
      await create("kept", { target: { deletionPolicy: "Delete" } })
      await untilSynced("kept")
      const attempt = () => cluster.client.delete(SECRETS, { namespace, name: "kept" }, { dryRun: true })
      await eventually(() => expect(attempt()).rejects.toThrow("kept"))
      values = {}
      await touch("kept", "gone")
      await untilMessage("kept", "could not delete secret")
      expect(plain(await secret("kept"))).toEqual({ a: "1" })
      await cluster.kubectl(["delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", name])
      await untilReason("kept", "SecretDeleted")
      expect(await findSecret("kept")).toBeUndefined()
    })

    it("never takes a copy that somebody made of a target", async () => {
      await create("original")
      await untilSynced("original")
      const { labels, annotations } = (await secret("original")).metadata
      await cluster.client.create(SECRETS, {
        metadata: { namespace, name: "copy", labels: labels!, annotations: annotations! },
        stringData: { a: "1" },
      })
      await pause(500) // so that the operator has seen the copy
      await touch("original", "again")
      await eventually(async () =>
        expect((await secret("original")).metadata.annotations?.["force-sync"]).toBe("again"),
      )
      await untilSynced("original")
      expect(await findSecret("copy")).toBeDefined()
    })

    it("of an ExternalSecret removes the finalizer; with Delete also the Secret", async () => {
      await create("keep")
      await create("remove", { target: { deletionPolicy: "Delete" } })
      await untilSynced("keep")
      await untilSynced("remove")
      expect((await get("keep")).metadata.finalizers).toEqual([EXTERNAL_SECRET_FINALIZER])
      for (const name of ["keep", "remove"])
        await cluster.client.delete(EXTERNAL_SECRETS, { namespace, name })
      await eventually(async () => {
        for (const name of ["keep", "remove"])
          expect(await cluster.client.find(EXTERNAL_SECRETS, { namespace, name })).toBeUndefined()
      })
      expect(await findSecret("keep")).toBeDefined() // this cluster has no garbage collector
      expect(await findSecret("remove")).toBeUndefined()
    })

    it("of the secret at the provider deletes the Secret only with deletionPolicy Delete", async () => {
      const target = (deletionPolicy: "Delete" | "Merge" | "Retain") => ({
        refreshInterval: "1h",
        target: { deletionPolicy },
      })
      for (const policy of ["Delete", "Merge", "Retain"] as const) {
        await create(policy.toLowerCase(), target(policy))
        await untilSynced(policy.toLowerCase())
      }
      values = {}
      for (const name of ["delete", "merge", "retain"]) await touch(name, "gone")
      await untilReason("delete", "SecretDeleted")
      await untilReason("retain", "SecretSyncedError")
      await eventually(async () => expect(plain(await secret("merge"))).toEqual({}))
      expect(await findSecret("delete")).toBeUndefined()
      expect(plain(await secret("retain"))).toEqual({ a: "1" })
    })

    it.for([
      ["a wrong slug", { status: 404, body: { message: "Project with slug 'shop' not found" } }],
      [
        "a missing folder",
        { status: 404, body: { message: "Folder with path '/' in environment with slug 'prod' not found" } },
      ],
      ["no right", { status: 403, body: { message: "You are not a member of this project" } }],
      ["a broken server", { status: 500, body: { message: "Something went wrong" } }],
      ["a busy server", { status: 429, body: { message: "slow down" }, headers: { "retry-after": "1" } }],
      ["a page instead of JSON", { status: 200, body: "<html>" }],
    ] as const)("a failing provider never empties or deletes a Secret: %s", async ([, answer]) => {
      await create("data", { target: { deletionPolicy: "Delete" } })
      await create("find", { target: { deletionPolicy: "Delete" }, data: [], dataFrom: [{ find: {} }] })
      await untilSynced("data")
      await untilSynced("find")
      answers = answer
      for (const name of ["data", "find"]) await touch(name, "again")
      for (const name of ["data", "find"]) await untilReason(name, "SecretSyncedError")
      expect(plain(await secret("data"))).toEqual({ a: "1" })
      expect(plain(await secret("find"))).toEqual({ A: "1", B: "2" })
      answers = undefined
      for (const name of ["data", "find"]) await untilSynced(name)
    })

    it("an empty find in a folder that isn't there never deletes", async () => {
      await create("find", { target: { deletionPolicy: "Delete" }, data: [], dataFrom: [{ find: {} }] })
      await untilSynced("find")
      values = {}
      server.behave({ single: () => ({ status: 404, body: { message: "Folder with path '/' not found" } }) })
      await touch("find", "again")
      await untilReason("find", "SecretSyncedError")
      expect(plain(await secret("find"))).toEqual({ A: "1", B: "2" })
      server.behave({ single: (name) => answers ?? secretMissing(name) })
      await touch("find", "and again")
      await untilReason("find", "SecretDeleted")
    })
  })

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
      await cluster.client.create(SECRETS, {
        metadata: { namespace, name: "foreign", ownerReferences: [controller] },
      })
      await create("third", { target: { name: "foreign" } })
      await untilMessage("third", "failed to take ownership of target secret")
    })

    it("an existing Secret without an owner is taken over", async () => {
      await cluster.client.create(SECRETS, {
        metadata: { namespace, name: "taken" },
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
      await cluster.client.create(SECRETS, {
        metadata: { namespace, name: "frozen" },
        stringData: { a: "old" },
        immutable: true,
      })
      await create("frozen")
      await untilMessage("frozen", "could not update secret, target is immutable")
      expect(plain(await secret("frozen"))).toEqual({ a: "old" })
    })

    it("an ExternalSecret whose store is never validated says so instead of waiting for ever", async () => {
      const { spec } = aStore()
      const silent = { metadata: { namespace, name: "silent" }, spec: { ...spec!, refreshInterval: "1d" } }
      await cluster.client.create(SECRET_STORES, silent)
      await create("waiting", { secretStoreRef: { name: "silent" } })
      await untilReason("waiting", "SecretSyncedError")
      const { items } = await cluster.client.listAll(EVENTS, { namespace })
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
        metadata: { namespace, name: "vault" },
        spec: { provider: { vault: { server: "https://vault.example" } } },
      }
      const classed = { ...aStore(), metadata: { namespace, name: "classed" } }
      await cluster.client.create(SECRET_STORES, vault)
      await cluster.client.create(SECRET_STORES, {
        ...classed,
        spec: { ...classed.spec!, controller: "other" },
      })
      await create("of-vault", { secretStoreRef: { name: "vault" } })
      await create("of-classed", { secretStoreRef: { name: "classed" } })
      await create("ours")
      await untilSynced("ours")
      for (const name of ["of-vault", "of-classed"]) {
        const { metadata, status } = await get(name)
        expect([metadata.finalizers, status]).toEqual([undefined, undefined])
      }
      for (const name of ["vault", "classed"])
        expect((await cluster.client.get(SECRET_STORES, { namespace, name })).status).toBeUndefined()
    })

    it("an ExternalSecret whose store becomes ready is synced at once", async () => {
      await cluster.client.delete(SECRET_STORES, { namespace, name: "store" })
      await create("early")
      await untilReason("early", "SecretSyncedError")
      await cluster.client.create(SECRET_STORES, aStore())
      await untilSynced("early")
    })

    it("a store whose slug is corrected recovers, and its condition tells", async () => {
      answers = { status: 404, body: { message: "Project with slug 'typo' not found" } }
      const key = { namespace, name: "broken" }
      await cluster.client.create(SECRET_STORES, { ...aStore({ projectSlug: "typo" }), metadata: key })
      const ready = async () => (await cluster.client.get(SECRET_STORES, key)).status?.conditions?.[0]
      await eventually(async () =>
        expect(await ready()).toMatchObject({
          status: "False",
          reason: "InvalidProviderConfig",
          message: "unable to validate store",
        }),
      )
      answers = undefined
      const body = { spec: { provider: { infisical: { secretsScope: { projectSlug: "shop" } } } } }
      await cluster.client.patch(SECRET_STORES, key, { kind: "merge", body })
      await eventually(async () => expect(await ready()).toMatchObject({ status: "True", reason: "Valid" }))
    })

    it("a cluster-wide store without a namespace on its credentials says so", async () => {
      const { spec } = aStore()
      const name = `cluster-wide-${namespace}`
      await cluster.client.create(CLUSTER_SECRET_STORES, { metadata: { name }, spec: spec! })
      await eventually(async () => {
        const store = await cluster.client.get(CLUSTER_SECRET_STORES, { name })
        expect(store.status?.conditions?.[0]).toMatchObject({
          status: "False",
          message: "unable to create client",
        })
      })
      await cluster.client.delete(CLUSTER_SECRET_STORES, { name })
    })
  })
})
