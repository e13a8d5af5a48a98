import { describe, expect, it } from "vitest"
import type { KubeClient, ListPage } from "./client.ts"
import {
  CONFIG_MAPS,
  EVENTS,
  type EventObject,
  NAMESPACES,
  SECRETS,
  SERVICE_ACCOUNTS,
} from "./core-resources.ts"
import { createKubeClient } from "./create-client.ts"
import { isAlreadyExists, isConflict, isNotFound, KubeApiError, KubeTransportError } from "./errors.ts"
import { loadClusterConfig } from "./kubeconfig.ts"
import { defineResource, type KubeObject } from "./resource.ts"
import { describeWithCluster } from "./testing/cluster.ts"
import { compact } from "./testing/compact.ts"
import { startCuttableProxy } from "./testing/cuttable-proxy.ts"

describeWithCluster("the client", (cluster) => {
  interface Quota extends KubeObject {
    spec?: { hard?: Record<string, string> }
    status?: { hard?: Record<string, string> }
  }
  const QUOTAS = defineResource<Quota>({
    group: "",
    version: "v1",
    plural: "resourcequotas",
    kind: "ResourceQuota",
    namespaced: true,
  })
  const b64 = (text: string) => Buffer.from(text).toString("base64")
  const thrownBy = (work: Promise<unknown>) => work.then(() => undefined).catch((error: unknown) => error)

  /** Seven events, `e-0` to `e-6`. */
  async function someEvents(client: KubeClient, namespace: string): Promise<string[]> {
    const names = Array.from({ length: 7 }, (_, index) => `e-${index}`)
    for (const name of names) {
      await client.create(EVENTS, { metadata: { namespace, name }, involvedObject: { namespace, name: "a" } })
    }
    return names
  }

  describe("a client of a real API server", () => {
    it("creates, reads, replaces, patches and deletes", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const key = { namespace, name: "a" }
      const created = await client.create(
        CONFIG_MAPS,
        { metadata: key, data: { x: "1" } },
        { fieldManager: "me" },
      )
      expect(created).toMatchObject({ kind: "ConfigMap", apiVersion: "v1", data: { x: "1" } })
      expect(created.metadata.managedFields?.map((entry) => entry.manager)).toEqual(["me"])

      const updated = await client.update(CONFIG_MAPS, { ...created, data: { x: "2" } })
      expect((await client.get(CONFIG_MAPS, key)).data).toEqual({ x: "2" })
      expect(isConflict(await thrownBy(client.update(CONFIG_MAPS, { ...created, data: {} })))).toBe(true)

      const merged = await client.patch(CONFIG_MAPS, key, {
        kind: "merge",
        body: { data: { x: null, y: "3" } },
      })
      expect(merged.data).toEqual({ y: "3" })
      const edited = await client.patch(CONFIG_MAPS, key, {
        kind: "json",
        operations: [{ op: "add", path: "/data/z", value: "4" }],
      })
      expect(edited.data).toEqual({ y: "3", z: "4" })
      const strategic = await client.patch(CONFIG_MAPS, key, {
        kind: "strategic",
        body: { metadata: { finalizers: ["example.com/f"] } },
      })
      expect(strategic.metadata.finalizers).toEqual(["example.com/f"])
      await client.patch(CONFIG_MAPS, key, { kind: "merge", body: { metadata: { finalizers: null } } })

      const stale = { preconditions: { resourceVersion: updated.metadata.resourceVersion } }
      expect(isConflict(await thrownBy(client.delete(CONFIG_MAPS, key, stale)))).toBe(true)
      const other = { preconditions: { uid: "00000000-0000-0000-0000-000000000000" } }
      expect(isConflict(await thrownBy(client.delete(CONFIG_MAPS, key, other)))).toBe(true)
      await client.delete(CONFIG_MAPS, key, { preconditions: { uid: created.metadata.uid } })
      expect(await client.find(CONFIG_MAPS, key)).toBeUndefined()
    })

    it("makes one connection do for many deletions, with and without preconditions", async () => {
      const { client, aClient, aNamespace, controlPlane } = cluster()
      const namespace = await aNamespace()
      const proxy = await startCuttableProxy(controlPlane.url)
      const counted = aClient({ server: proxy.url, maxConnections: 1 })
      try {
        for (let index = 0; index < 10; index++) {
          const created = await counted.create(CONFIG_MAPS, { metadata: { namespace, name: `d-${index}` } })
          const preconditions = index % 2 ? { uid: created.metadata.uid } : undefined
          await counted.delete(CONFIG_MAPS, { namespace, name: `d-${index}` }, { preconditions })
          expect(await client.find(CONFIG_MAPS, { namespace, name: `d-${index}` })).toBeUndefined()
        }
        expect(proxy.connections).toBe(1)
      } finally {
        await counted.close()
        await proxy.close()
      }
    })

    it("applies with a field manager, and takes a field over only by force", async () => {
      const { client, aNamespace } = cluster()
      const key = { namespace: await aNamespace(), name: "a" }
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata: key, data: { x: "1" } }
      await client.patch(CONFIG_MAPS, key, { kind: "apply", body }, { fieldManager: "one" })
      const theirs = { ...body, data: { x: "2" } }
      const refused = client.patch(CONFIG_MAPS, key, { kind: "apply", body: theirs }, { fieldManager: "two" })
      expect(isConflict(await thrownBy(refused))).toBe(true)
      const forced = { kind: "apply", body: theirs, force: true } as const
      expect((await client.patch(CONFIG_MAPS, key, forced, { fieldManager: "two" })).data).toEqual({ x: "2" })
      await expect(client.patch(CONFIG_MAPS, key, forced)).rejects.toThrow(
        "an apply patch needs a field manager",
      )
    })

    it("writes the status apart from the rest", async () => {
      const { client, aNamespace } = cluster()
      const key = { namespace: await aNamespace(), name: "q" }
      const created = await client.create(QUOTAS, { metadata: key, spec: { hard: { pods: "1" } } })
      const body = { spec: { hard: { pods: "9" } }, status: { hard: { pods: "1" } } }
      const patched = await client.patchStatus(QUOTAS, key, { kind: "merge", body })
      expect(patched).toMatchObject({ spec: { hard: { pods: "1" } }, status: { hard: { pods: "1" } } })
      const replaced = await client.updateStatus(QUOTAS, { ...patched, status: { hard: { pods: "2" } } })
      expect(replaced.status).toEqual({ hard: { pods: "2" } })
      expect(replaced.metadata.generation).toBe(created.metadata.generation)
    })

    it("stores nothing in a dry run", async () => {
      const { client, aNamespace } = cluster()
      const key = { namespace: await aNamespace(), name: "a" }
      expect(await client.create(CONFIG_MAPS, { metadata: key }, { dryRun: true })).toMatchObject({
        metadata: key,
      })
      expect(await client.find(CONFIG_MAPS, key)).toBeUndefined()
      await client.create(CONFIG_MAPS, { metadata: key })
      await client.delete(CONFIG_MAPS, key, { dryRun: true })
      expect(await client.find(CONFIG_MAPS, key)).toBeDefined()
    })

    it("reads metadata without data", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const key = { namespace, name: "a" }
      await client.create(SECRETS, {
        metadata: { ...key, labels: { l: "1" } },
        data: { password: b64("S3CRET") },
      })
      const one = await client.getMetadata(SECRETS, key)
      expect(one).toMatchObject({
        kind: "PartialObjectMetadata",
        metadata: { name: "a", labels: { l: "1" } },
      })
      const all: unknown[] = []
      for await (const page of client.listMetadata(SECRETS, { namespace })) all.push(...page.items)
      expect(all).toMatchObject([{ kind: "PartialObjectMetadata", metadata: { name: "a" } }])
      expect(JSON.stringify([one, all])).not.toContain(b64("S3CRET"))
      expect(Object.keys(one).sort()).toEqual(["apiVersion", "kind", "metadata"])
      expect(await client.findMetadata(SECRETS, { namespace, name: "absent" })).toBeUndefined()
    })

    it("lists page by page, by selector, and names the kind of every item", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const names = Array.from({ length: 7 }, (_, index) => `c-${index}`)
      for (const [index, name] of names.entries()) {
        await client.create(CONFIG_MAPS, {
          metadata: { namespace, name, labels: { odd: String(index % 2) } },
        })
      }
      const sizes: number[] = []
      const seen: unknown[] = []
      for await (const page of client.list(CONFIG_MAPS, { namespace, pageSize: 3 })) {
        sizes.push(page.items.length)
        seen.push(...page.items.map((item) => item.metadata.name))
        expect(page.items.every((item) => item.kind === "ConfigMap" && item.apiVersion === "v1")).toBe(true)
      }
      expect(sizes).toEqual([3, 3, 1])
      expect(seen).toEqual(names)
      const odd = await client.listAll(CONFIG_MAPS, { namespace, labelSelector: "odd=1" })
      expect(odd.items.map((item) => item.metadata.name)).toEqual(["c-1", "c-3", "c-5"])
      const one = await client.listAll(CONFIG_MAPS, { namespace, fieldSelector: "metadata.name=c-4" })
      expect(one.items).toHaveLength(1)
      expect(Number(one.resourceVersion)).toBeGreaterThan(0)
    })

    it("watches changes from a version on", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const { resourceVersion } = await client.listAll(CONFIG_MAPS, { namespace })
      const key = { namespace, name: "a" }
      await client.create(CONFIG_MAPS, { metadata: key })
      await client.patch(CONFIG_MAPS, key, { kind: "merge", body: { data: { x: "1" } } })
      await client.delete(CONFIG_MAPS, key)
      const types: string[] = []
      for await (const event of client.watch(CONFIG_MAPS, { namespace, resourceVersion })) {
        types.push(event.type)
        if (event.type === "DELETED") break
      }
      expect(types).toEqual(["ADDED", "MODIFIED", "DELETED"])
    })

    // Events are the kind that the API server keeps no cache of: only etcd knows their past.
    it("starts a list again that expired under way, and says so", async () => {
      const { client, aNamespace, controlPlane } = cluster()
      const namespace = await aNamespace()
      const names = await someEvents(client, namespace)
      const pages = client.list(EVENTS, { namespace, pageSize: 3 })
      const first = (await pages.next()).value as ListPage<EventObject>
      expect(first).toMatchObject({ restarted: false, items: { length: 3 }, remaining: 4 })
      await client.delete(EVENTS, { namespace, name: "e-0" })
      await compact(controlPlane, (await client.listAll(EVENTS, { namespace })).resourceVersion)
      const rest: ListPage<EventObject>[] = []
      for await (const page of pages) rest.push(page)
      expect(rest).toHaveLength(1)
      expect(rest[0]?.restarted).toBe(true)
      expect(rest[0]?.items.map((item) => item.metadata.name)).toEqual(names.slice(1))
    })

    it("says that a watch asks for a version that is gone", async () => {
      const { client, aNamespace, controlPlane } = cluster()
      const namespace = await aNamespace()
      const { resourceVersion } = await client.listAll(EVENTS, { namespace })
      await someEvents(client, namespace)
      await compact(controlPlane, (await client.listAll(EVENTS, { namespace })).resourceVersion)
      const error = await thrownBy(client.watch(EVENTS, { namespace, resourceVersion }).next())
      expect(error).toMatchObject({ status: 410, isExpired: true })
    })

    it("ends a watch when the server's time for it is up", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const { resourceVersion } = await client.listAll(CONFIG_MAPS, { namespace })
      const changes: unknown[] = []
      for await (const event of client.watch(CONFIG_MAPS, {
        namespace,
        resourceVersion,
        timeoutSeconds: 1,
      })) {
        if (event.type !== "BOOKMARK") changes.push(event)
      }
      expect(changes).toEqual([])
    })

    it("asks for a token of a service account", async () => {
      const { client, aNamespace } = cluster()
      const key = { namespace: await aNamespace(), name: "reader" }
      await client.create(SERVICE_ACCOUNTS, { metadata: key })
      const body = {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: { audiences: ["coffer"] },
      }
      const request = { subresource: "token", body }
      const issued = await client.createSubresource<{ status: { token: string } }>(
        SERVICE_ACCOUNTS,
        key,
        request,
      )
      expect(issued.status.token.split(".")).toHaveLength(3)
    })

    it("reaches paths that are no resource", async () => {
      const { client } = cluster()
      expect(await client.request({ method: "GET", path: "/version" })).toMatchObject({ major: "1" })
      expect(await client.request<string>({ method: "GET", path: "/readyz", accept: "text/plain" })).toBe(
        "ok",
      )
    })

    it("works from a kubeconfig file as well", async () => {
      const { controlPlane } = cluster()
      const config = await loadClusterConfig({ kubeconfigPath: controlPlane.kubeconfigPath, environment: {} })
      const client = createKubeClient(config)
      expect(await client.get(NAMESPACES, { name: "default" })).toMatchObject({
        metadata: { name: "default" },
      })
      await client.close()
    })
  })

  describe("an error of a real API server", () => {
    it("is typed", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const key = { namespace, name: "a" }
      const missing = await thrownBy(client.get(CONFIG_MAPS, key))
      expect(isNotFound(missing)).toBe(true)
      expect(missing).toMatchObject({ status: 404, reason: "NotFound", message: 'configmaps "a" not found' })
      await client.create(CONFIG_MAPS, { metadata: key })
      const twice = await thrownBy(client.create(CONFIG_MAPS, { metadata: key }))
      expect(isAlreadyExists(twice)).toBe(true)
      expect(isConflict(twice)).toBe(false)
      const invalid = await thrownBy(client.create(CONFIG_MAPS, { metadata: { namespace, name: "No Good" } }))
      expect(invalid).toMatchObject({ isInvalid: true, status: 422 })
      const odd = await thrownBy(client.watch(CONFIG_MAPS, { namespace, resourceVersion: "odd" }).next())
      expect(odd).toBeInstanceOf(KubeApiError)
      expect(String(odd)).toContain("resourceVersion: Invalid value")
    })

    it("says that a namespace is being deleted", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      await client.delete(NAMESPACES, { name: namespace })
      const late = await thrownBy(client.create(CONFIG_MAPS, { metadata: { namespace, name: "late" } }))
      expect(late).toMatchObject({ isForbidden: true, isNamespaceTerminating: true })
    })

    it("for a certificate that nobody vouches for is a transport error, at once", async () => {
      const { config } = cluster()
      const { certificateAuthority: _dropped, ...unknown } = config
      const client = createKubeClient(unknown)
      const error = await thrownBy(client.get(NAMESPACES, { name: "default" }))
      await client.close()
      expect(error).toBeInstanceOf(KubeTransportError)
      expect(String(error)).toMatch(/GET \/api\/v1\/namespaces\/default: .*CERT/i)
    })

    it("for a wrong token is 401", async () => {
      const { config } = cluster()
      const client = createKubeClient({ ...config, readToken: async () => "wrong" })
      expect(await thrownBy(client.get(NAMESPACES, { name: "default" }))).toMatchObject({
        isUnauthorized: true,
      })
      await client.close()
    })

    it("comes before any request when a namespace or name is missing", async () => {
      const { client } = cluster()
      await expect(client.get(CONFIG_MAPS, { name: "a" })).rejects.toThrow('ConfigMap "a" needs a namespace')
      await expect(client.get(CONFIG_MAPS, { namespace: "x", name: "" })).rejects.toThrow("needs a name")
      await expect(client.create(CONFIG_MAPS, { metadata: { name: "a" } })).rejects.toThrow(
        "needs a namespace",
      )
    })
  })
})
