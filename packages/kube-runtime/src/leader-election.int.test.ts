import { afterEach, describe, expect, it } from "vitest"
import type { Clock } from "./clock.ts"
import { systemClock } from "./clock.ts"
import { LEASES } from "./core-resources.ts"
import { createLeaderElector, type LeaderElectionOptions, type Leadership } from "./leader-election.ts"
import { describeWithCluster } from "./testing/cluster.ts"
import { startCuttableProxy } from "./testing/cuttable-proxy.ts"
import { waitFor } from "./testing/wait-for.ts"

describeWithCluster("leader election over a real API server", (cluster) => {
  const cleanUp: (() => Promise<unknown> | unknown)[] = []
  afterEach(async () => {
    for (const end of cleanUp.splice(0).reverse()) await end()
  })

  /** Durations of seconds instead of tens of seconds; the proportions are those of the defaults. */
  const quick = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 300 }

  /** A candidate that stands for election and notes in the shared log when it leads. */
  function aCandidate(
    identity: string,
    log: string[],
    options: Partial<LeaderElectionOptions> & { namespace: string },
  ) {
    const { namespace, ...more } = options
    const lease = { namespace, name: "operator" }
    const elector = createLeaderElector({ client: cluster().client, lease, identity, ...quick, ...more })
    const stop = new AbortController()
    const campaign = elector.campaign(stop.signal, async (leadership) => {
      log.push(`${identity} leads`)
      await ends(leadership)
      log.push(`${identity} ${leadership.lost.aborted ? "lost" : "stopped"}`)
    })
    cleanUp.push(async () => {
      stop.abort()
      await campaign
    })
    return { elector, stop, campaign }
  }

  const ends = ({ stop, lost }: Leadership) =>
    new Promise<void>((resolve) => {
      stop.addEventListener("abort", () => resolve(), { once: true })
      lost.addEventListener("abort", () => resolve(), { once: true })
    })

  describe("of two candidates", () => {
    it("one leads, and the other takes over at once when it stops", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const log: string[] = []
      const a = aCandidate("a", log, { namespace })
      await waitFor("the first leader", () => a.elector.isLeader())
      const b = aCandidate("b", log, { namespace })
      await waitFor("b to see a", () => b.elector.holder() === "a")
      // Long enough for a to have to renew, more than once.
      await waitFor("renewals", async () => {
        const lease = await client.get(LEASES, { namespace, name: "operator" })
        const { acquireTime = "", renewTime = "" } = lease.spec ?? {}
        return Date.parse(renewTime) - Date.parse(acquireTime) > quick.leaseDurationMs
      })
      expect(log).toEqual(["a leads"])
      expect(b.elector.isLeader()).toBe(false)

      const stoppedAt = performance.now()
      a.stop.abort()
      expect(await a.campaign).toBe("stopped")
      await waitFor("b to lead", () => b.elector.isLeader())
      expect(performance.now() - stoppedAt).toBeLessThan(quick.leaseDurationMs)
      expect(log).toEqual(["a leads", "a stopped", "b leads"])
      const { spec } = await client.get(LEASES, { namespace, name: "operator" })
      expect(spec).toMatchObject({ holderIdentity: "b", leaseDurationSeconds: 3, leaseTransitions: 1 })
    })

    it("the other leads only after the lease of one that was cut off, which has stopped by then", async () => {
      const { controlPlane, aClient, aNamespace } = cluster()
      const namespace = await aNamespace()
      const proxy = await startCuttableProxy(controlPlane.url)
      cleanUp.push(() => proxy.close())
      const log: string[] = []
      const a = aCandidate("a", log, { namespace, client: aClient({ server: proxy.url, maxRetries: 0 }) })
      await waitFor("a to lead", () => a.elector.isLeader())
      const b = aCandidate("b", log, { namespace })
      await waitFor("b to see a", () => b.elector.holder() === "a")
      proxy.refuse(true)
      proxy.cut()
      expect(await a.campaign).toBe("lost")
      expect(a.elector.isLeader()).toBe(false)
      await waitFor("b to lead", () => b.elector.isLeader())
      expect(log).toEqual(["a leads", "a lost", "b leads"])
    })

    it("a leader whose lease was taken over by force stops", async () => {
      const { client, aNamespace } = cluster()
      const namespace = await aNamespace()
      const log: string[] = []
      const a = aCandidate("a", log, { namespace })
      await waitFor("a to lead", () => a.elector.isLeader())
      const body = { spec: { holderIdentity: "intruder" } }
      await client.patch(LEASES, { namespace, name: "operator" }, { kind: "merge", body })
      expect(await a.campaign).toBe("lost")
      expect(log).toEqual(["a leads", "a lost"])
      expect((await client.get(LEASES, { namespace, name: "operator" })).spec?.holderIdentity).toBe(
        "intruder",
      )
    })

    it("a wall clock that is wrong by an hour neither steals nor blocks", async () => {
      const { aNamespace } = cluster()
      const namespace = await aNamespace()
      const log: string[] = []
      const skewed = (byMs: number): Clock => ({ ...systemClock, nowMs: () => Date.now() + byMs })
      const a = aCandidate("a", log, { namespace, clock: skewed(-3_600_000) })
      await waitFor("a to lead", () => a.elector.isLeader())
      const b = aCandidate("b", log, { namespace, clock: skewed(3_600_000) })
      const startedAt = performance.now()
      await waitFor("two leases to pass", () => performance.now() - startedAt > 2 * quick.leaseDurationMs)
      expect(log).toEqual(["a leads"])
      a.stop.abort()
      await a.campaign
      await waitFor("b to lead", () => b.elector.isLeader())
    })

    it("exactly one leads at any time when they come and go", async () => {
      const { aNamespace } = cluster()
      const namespace = await aNamespace()
      const log: string[] = []
      for (let round = 0; round < 4; round++) {
        const pair = ["a", "b"].map((name) => aCandidate(`${name}${round}`, log, { namespace }))
        const leader = await waitFor("a leader", () => pair.find(({ elector }) => elector.isLeader()))
        expect(pair.filter(({ elector }) => elector.isLeader())).toEqual([leader])
        for (const { stop, campaign } of pair) {
          stop.abort()
          await campaign
        }
      }
      // Each "leads" is followed by its own "stopped" before the next one leads.
      for (let at = 0; at < log.length; at += 2)
        expect(log[at + 1]).toBe(log[at]?.replace("leads", "stopped"))
    })
  })

  describe("a campaign", () => {
    it("rejects with what the work rejects with, and releases the lease", async () => {
      const { client, aNamespace } = cluster()
      const lease = { namespace: await aNamespace(), name: "operator" }
      const elector = createLeaderElector({ client, lease, identity: "a", ...quick })
      const failing = elector.campaign(new AbortController().signal, async () => {
        throw new Error("the work failed")
      })
      await expect(failing).rejects.toThrow("the work failed")
      expect((await client.get(LEASES, lease)).spec?.holderIdentity ?? "").toBe("")
      expect(elector.holder()).toBeUndefined()
    })

    it("refuses durations that cannot work", () => {
      const { client } = cluster()
      const base = { client, lease: { namespace: "x", name: "y" }, identity: "a" }
      const make = (durations: object) => () => createLeaderElector({ ...base, ...durations })
      expect(make({ leaseDurationMs: 5_000, renewDeadlineMs: 5_000 })).toThrow("leaseDurationMs must exceed")
      expect(make({ renewDeadlineMs: 2_000, retryPeriodMs: 2_000 })).toThrow("renewDeadlineMs must exceed")
      expect(make({ leaseDurationMs: 500 })).toThrow("at least 1000")
    })
  })
})
