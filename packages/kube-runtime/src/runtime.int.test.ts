import { afterEach, describe, expect, it } from "vitest"
import { createController, done } from "./controller.ts"
import { CONFIG_MAPS, EVENTS, LEASES, SECRETS } from "./core-resources.ts"
import { createInformer, createMetadataInformer } from "./create-informer.ts"
import { isNotFound } from "./errors.ts"
import { createEventRecorder, referenceTo } from "./events.ts"
import { createLeaderElector } from "./leader-election.ts"
import type { ReconcileRequest } from "./request.ts"
import { createRuntime, type RuntimeOptions } from "./runtime.ts"
import { fromInformer } from "./source.ts"
import { describeWithCluster } from "./testing/cluster.ts"
import { startCuttableProxy } from "./testing/cuttable-proxy.ts"
import { waitFor } from "./testing/wait-for.ts"

describeWithCluster("the runtime with a real API server", (cluster) => {
  const cleanUp: (() => Promise<unknown> | unknown)[] = []
  afterEach(async () => {
    for (const end of cleanUp.splice(0).reverse()) await end()
  })

  /** A controller that gives every ConfigMap a Secret of the same name, repairs it, and says so. */
  async function aMirror(namespace: string, client = cluster().client) {
    const configMaps = createInformer(CONFIG_MAPS, { client, namespace, labelSelector: "mirror=yes" })
    const secrets = createMetadataInformer(SECRETS, { client, namespace })
    const events = createEventRecorder({ client, component: "mirror" })
    const reconciled: string[] = []
    const reconcile = async (request: ReconcileRequest, signal: AbortSignal) => {
      reconciled.push(request.name)
      const source = configMaps.get(request)
      if (!source) {
        await client.delete(SECRETS, request, { signal }).catch((error: unknown) => {
          if (!isNotFound(error)) throw error
        })
        return done
      }
      if (secrets.get(request)) return done
      await client.create(SECRETS, { metadata: { ...request }, stringData: source.data ?? {} }, { signal })
      events.record(referenceTo(CONFIG_MAPS, source), {
        type: "Normal",
        reason: "Created",
        message: "secret created",
      })
      return done
    }
    const controller = createController({
      name: "mirror",
      reconcile,
      concurrency: 4,
      sources: [
        fromInformer(configMaps, {
          when: (change) => change.kind !== "update" || change.object.data !== change.previous.data,
          priority: (change) => (change.kind === "add" && change.initial ? -10 : 0),
        }),
        fromInformer(secrets, { when: (change) => change.kind === "delete" }),
      ],
    })
    return { informers: [configMaps, secrets], controllers: [controller], events, reconciled }
  }

  function start(options: RuntimeOptions) {
    const runtime = createRuntime(options)
    const stop = new AbortController()
    const ended = runtime.run(stop.signal)
    cleanUp.push(async () => {
      stop.abort()
      await ended
    })
    return { runtime, stop, ended }
  }

  describe("a runtime", () => {
    it("brings the cluster to the desired state and keeps it there", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const metadata = { namespace, name: "a", labels: { mirror: "yes" } }
      await client.create(CONFIG_MAPS, { metadata, data: { x: "1" } })
      const { runtime, stop, ended } = start(await aMirror(namespace))
      const created = await waitFor("the Secret", () => client.find(SECRETS, metadata))
      expect(runtime.health()).toMatchObject({
        ready: true,
        leading: true,
        informers: [{ synced: true }, { synced: true }],
        controllers: [{ name: "mirror", running: true }],
      })
      await client.delete(SECRETS, metadata)
      const repaired = await waitFor("the repair", () => client.find(SECRETS, metadata))
      expect(repaired.metadata.uid).not.toBe(created.metadata.uid)
      await client.delete(CONFIG_MAPS, metadata)
      await waitFor("the removal", async () => (await client.find(SECRETS, metadata)) === undefined)

      stop.abort()
      await ended
      const { items } = await client.listAll(EVENTS, { namespace })
      expect(items.reduce((sum, event) => sum + (event.count ?? 0), 0)).toBe(2)
      expect(runtime.health()).toMatchObject({ leading: false, controllers: [{ running: false }] })
    })

    it("works on nothing while another one leads, and takes over with warm informers", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const elect = (identity: string) =>
        createLeaderElector({
          client,
          lease: { namespace, name: "mirror" },
          identity,
          leaseDurationMs: 3_000,
          renewDeadlineMs: 2_000,
          retryPeriodMs: 300,
        })
      const first = await aMirror(namespace)
      const one = start({ ...first, leaderElector: elect("one") })
      await waitFor("the first to lead", () => one.runtime.health().leading)
      const second = await aMirror(namespace)
      const two = start({ ...second, leaderElector: elect("two") })
      await waitFor("the second to be in sync", () => two.runtime.health().ready)
      await client.create(CONFIG_MAPS, { metadata: { namespace, name: "a", labels: { mirror: "yes" } } })
      await waitFor("the Secret", () => client.find(SECRETS, { namespace, name: "a" }))
      expect(second.reconciled).toEqual([])
      expect(two.runtime.health().leading).toBe(false)

      one.stop.abort()
      await one.ended
      await waitFor("the second to lead", () => two.runtime.health().leading)
      await waitFor("its first look", () => second.reconciled.includes("a"))
    })

    it("stops working when it loses the lease, and works again when it gets it back", async () => {
      const { client, controlPlane, aClient, aNamespace } = cluster()
      const namespace = await aNamespace()
      const proxy = await startCuttableProxy(controlPlane.url)
      cleanUp.push(() => proxy.close())
      const behind = aClient({ server: proxy.url, maxRetries: 0 })
      const mirror = await aMirror(namespace, behind)
      const leaderElector = createLeaderElector({
        client: behind,
        lease: { namespace, name: "mirror" },
        identity: "one",
        leaseDurationMs: 3_000,
        renewDeadlineMs: 2_000,
        retryPeriodMs: 300,
      })
      const { runtime } = start({ ...mirror, leaderElector })
      await waitFor("leadership", () => runtime.health().leading)
      proxy.refuse(true)
      proxy.cut()
      await waitFor("the loss", () => !runtime.health().leading)
      await client.create(CONFIG_MAPS, { metadata: { namespace, name: "late", labels: { mirror: "yes" } } })
      proxy.refuse(false)
      await waitFor("leadership again", () => runtime.health().leading)
      await waitFor("the Secret", () => client.find(SECRETS, { namespace, name: "late" }))
      expect((await client.get(LEASES, { namespace, name: "mirror" })).spec?.holderIdentity).toBe("one")
    })

    it("stops at once while it still waits for its first sync", async () => {
      const { controlPlane, aClient, aNamespace } = cluster()
      const proxy = await startCuttableProxy(controlPlane.url)
      cleanUp.push(() => proxy.close())
      proxy.refuse(true)
      const mirror = await aMirror(await aNamespace(), aClient({ server: proxy.url, maxRetries: 0 }))
      const { runtime, stop, ended } = start(mirror)
      await waitFor("a failure", () => runtime.health().informers.some((informer) => informer.lastError))
      expect(runtime.health()).toMatchObject({ ready: false, leading: false })
      stop.abort()
      await ended
    })

    it("stops everything and says why when a controller cannot start", async () => {
      const { aNamespace } = cluster()
      const mirror = await aMirror(await aNamespace())
      const broken = createController({
        name: "broken",
        reconcile: async () => done,
        sources: [
          {
            informers: [],
            start() {
              throw new Error("the source does not start")
            },
          },
        ],
      })
      const runtime = createRuntime({ ...mirror, controllers: [...mirror.controllers, broken] })
      await expect(runtime.run(new AbortController().signal)).rejects.toThrow("the source does not start")
      expect(runtime.health()).toMatchObject({
        leading: false,
        controllers: [{ running: false }, { running: false }],
      })
    })
  })

  describe("a thousand objects", () => {
    it("are reconciled with two writes each as fast as a bare client writes them", {
      timeout: 300_000,
    }, async () => {
      const { client, aNamespace } = cluster()
      const count = 1_000
      const names = Array.from({ length: count }, (_, index) => `o-${index}`)
      const twoWrites = async (namespace: string, name: string) => {
        await client.create(SECRETS, { metadata: { namespace, name }, stringData: { x: "1" } })
        const body = { metadata: { annotations: { seen: "yes" } } }
        await client.patch(CONFIG_MAPS, { namespace, name }, { kind: "merge", body })
      }
      const prepare = async () => {
        const namespace = await aNamespace()
        await inParallel(names, 20, (name) => client.create(CONFIG_MAPS, { metadata: { namespace, name } }))
        return namespace
      }
      const timed = async (work: () => Promise<unknown>) => {
        const startedAt = performance.now()
        await work()
        return performance.now() - startedAt
      }
      const writeAll = async (namespace: string) => {
        const configMaps = createInformer(CONFIG_MAPS, { client, namespace })
        let written = 0
        const controller = createController({
          name: "writer",
          concurrency: 20,
          sources: [fromInformer(configMaps, { when: (change) => change.kind === "add" })],
          reconcile: async (request) => {
            await twoWrites(request.namespace, request.name)
            written++
            return done
          },
        })
        const { stop, ended } = start({ informers: [configMaps], controllers: [controller] })
        await waitFor("all writes", () => written === count, 60_000)
        return async () => {
          stop.abort()
          await ended
        }
      }
      let isAsFast = false
      // The machine may be busy with something else during one of the two, and hardly is so each time.
      for (let tries = 0; tries < 3 && !isAsFast; tries += 1) {
        const [bare, namespace] = [await prepare(), await prepare()]
        const bareMs = await timed(() => inParallel(names, 20, (name) => twoWrites(bare, name)))
        let end = async () => {}
        const runtimeMs = await timed(async () => {
          end = await writeAll(namespace)
        })
        await end()
        console.info(`bare ${Math.round(bareMs)} ms, runtime ${Math.round(runtimeMs)} ms`)
        isAsFast = runtimeMs < 3 * bareMs + 1_000
      }
      expect(isAsFast).toBe(true)
    })
  })

  async function inParallel<T>(items: readonly T[], workers: number, work: (item: T) => Promise<unknown>) {
    const rest = items.values()
    await Promise.all(
      Array.from({ length: workers }, async () => {
        for (const item of rest) await work(item)
      }),
    )
  }
})
