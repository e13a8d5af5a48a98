import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { EVENTS, LEASES, SECRETS } from "@coffer/kube-runtime"
import { afterEach, beforeAll, expect, it } from "vitest"
import { EXTERNAL_SECRETS, SECRET_STORES } from "./api/resources.ts"
import { describeWithCluster, eventually } from "./testing/cluster.ts"
import { type RecordingProxy, startRecordingProxy } from "./testing/recording-proxy.ts"

/** Seconds instead of tens of seconds; the proportions are those of the defaults. */
const LEASE_MS = 3_000
const RETRY_MS = 300
const FLAGS = [
  "--enable-leader-election",
  `--leader-election-lease-duration=${LEASE_MS}ms`,
  "--leader-election-renew-deadline=2s",
  `--leader-election-retry-period=${RETRY_MS}ms`,
]
/** A candidate looks every one to two retry periods; the rest is for a machine that is busy. */
const TAKEOVER_MS = LEASE_MS + 2 * RETRY_MS + 1_500
const KEY = { namespace: "default", name: "web" }
const LEASE = { namespace: "default", name: "external-secrets-controller" }
const program = fileURLToPath(new URL("./testing/operator-process.ts", import.meta.url))
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

type Candidate = { readonly child: ChildProcess; readonly proxy: RecordingProxy }

describeWithCluster("of two operators", (cluster) => {
  const candidates: Candidate[] = []

  beforeAll(async () => {
    await cluster().client.create(SECRET_STORES, {
      metadata: { namespace: "default", name: "store" },
      spec: { provider: { fake: { data: [{ key: "k", value: "first" }] } } },
    })
    await cluster().client.create(EXTERNAL_SECRETS, {
      metadata: KEY,
      spec: {
        refreshInterval: "1s",
        secretStoreRef: { name: "store" },
        data: [{ secretKey: "a", remoteRef: { key: "k" } }],
      },
    })
  })
  afterEach(async () => {
    for (const { child, proxy } of candidates.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL")
        await once(child, "exit")
      }
      await proxy.close()
    }
  })

  const aCandidate = async (): Promise<Candidate> => {
    const proxy = await startRecordingProxy(cluster().plane)
    const child = fork(program, [proxy.url, ...FLAGS])
    const candidate = { child, proxy }
    candidates.push(candidate)
    return candidate
  }
  const holder = async () => (await cluster().client.find(LEASES, LEASE))?.spec?.holderIdentity
  const leads = ({ child }: Candidate) =>
    eventually(async () => expect(await holder()).toBe(`operator-${child.pid}`))
  const written = ({ proxy }: Candidate) => proxy.writes.filter(({ status }) => status < 300)
  /** Works: writes the status of an ExternalSecret that is refreshed every second. */
  const works = (candidate: Candidate) => {
    const before = written(candidate).length
    return eventually(() => expect(written(candidate).length).toBeGreaterThan(before))
  }
  const valueOfSecret = async () => {
    const { data } = await cluster().client.get(SECRETS, KEY)
    return Buffer.from(data?.["a"] ?? "", "base64").toString()
  }
  const changeSource = (value: string) =>
    cluster().client.patch(
      SECRET_STORES,
      { namespace: "default", name: "store" },
      { kind: "merge", body: { spec: { provider: { fake: { data: [{ key: "k", value }] } } } } },
    )
  /** Resolves once a candidate has seen the Lease as it is now: who asks for it again has had an answer before. */
  const seesLease = ({ proxy }: Candidate) => {
    const looks = () => proxy.reads.filter((path) => path.endsWith(`/leases/${LEASE.name}`)).length
    const before = looks()
    return eventually(() => expect(looks()).toBeGreaterThanOrEqual(before + 2))
  }
  /** A leader and a second operator that has seen the Lease and waits. */
  const aPair = async () => {
    const leader = await aCandidate()
    await leads(leader)
    await works(leader)
    const waiting = await aCandidate()
    await seesLease(waiting)
    return { leader, waiting }
  }

  it("one writes, and when it is killed with SIGKILL the other takes over after the lease", async () => {
    const { leader, waiting } = await aPair()
    leader.proxy.writes.length = 0
    await pause(3_500)
    await eventually(() => expect(written(leader).length).toBeGreaterThanOrEqual(2))
    expect(waiting.proxy.writes).toEqual([])

    const killedAtMs = performance.now()
    leader.child.kill("SIGKILL")
    await once(leader.child, "exit")
    await changeSource("after the kill")
    await leads(waiting)
    await eventually(async () => expect(await valueOfSecret()).toBe("after the kill"))
    expect(performance.now() - killedAtMs).toBeLessThan(TAKEOVER_MS + 1_000) // the refresh interval
    expect((await cluster().client.get(LEASES, LEASE)).spec?.leaseTransitions).toBeGreaterThanOrEqual(1)
  })

  it("one that was stopped in its tracks and wakes up after the other took over writes nothing", async () => {
    const { leader, waiting } = await aPair()
    leader.child.kill("SIGSTOP")
    await leads(waiting)
    await works(waiting)
    await changeSource("while it slept")
    await eventually(async () => expect(await valueOfSecret()).toBe("while it slept"))
    leader.proxy.writes.length = 0
    leader.child.kill("SIGCONT")
    await pause(LEASE_MS)
    expect(written(leader)).toEqual([])
    expect(leader.child.exitCode).toBeNull() // it stands for election again instead of ending
    await works(waiting)
    expect(await holder()).toBe(`operator-${waiting.child.pid}`)
  })

  it("one whose lease was taken away stops writing, and leads again when the lease has run out", async () => {
    const leader = await aCandidate()
    await leads(leader)
    await works(leader)
    const claim = (holderIdentity: string) => {
      const spec = { holderIdentity, leaseDurationSeconds: LEASE_MS / 1_000, renewTime: microTime() }
      return cluster().client.patch(LEASES, LEASE, { kind: "merge", body: { spec } })
    }
    await claim("intruder")
    await seesLease(leader)
    await pause(500) // for what it had under way
    leader.proxy.writes.length = 0
    await cluster().client.patch(SECRETS, KEY, { kind: "merge", body: { data: { a: "ZHJpZnQ=" } } })
    for (let renewal = 0; renewal < 3; renewal++) {
      await pause(1_000)
      await claim("intruder")
    }
    expect(leader.proxy.writes).toEqual([])
    expect(await valueOfSecret()).toBe("drift")
    await leads(leader)
    await eventually(async () => expect(await valueOfSecret()).not.toBe("drift"))
  })

  it("one that is told to stop gives the lease back, and the other need not wait for its end", async () => {
    const { leader, waiting } = await aPair()
    const stoppedAtMs = performance.now()
    leader.child.kill("SIGTERM")
    expect(await once(leader.child, "exit")).toEqual([0, null])
    await leads(waiting)
    expect(performance.now() - stoppedAtMs).toBeLessThan(LEASE_MS)
    await works(waiting)
  })

  it("none leaves a warning behind for changing hands", async () => {
    const { items } = await cluster().client.listAll(EVENTS, { namespace: "default" })
    const ours = items.filter(({ involvedObject }) => involvedObject.kind === "ExternalSecret")
    expect(ours.filter(({ type }) => type === "Warning").map(({ message }) => message)).toEqual([])
  })
})

function microTime(): string {
  return new Date().toISOString().replace("Z", "000Z")
}
