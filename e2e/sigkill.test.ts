/**
 * Server and operator die at random moments while secrets change. No acknowledged write is lost, the Secret
 * ends with the newest acknowledged value, and it never holds a value that the store did not have.
 */
import { createClient, type FolderPlace } from "@coffer/client"
import { SECRETS, type SecretObject, sleep, systemClock } from "@coffer/kube-runtime"
import { describeWithControlPlane } from "@coffer/testkit"
import { afterAll, beforeAll, expect, it } from "vitest"
import { readStoredLogin } from "../apps/coffer/src/credentials-file.ts"
import { PROJECT_SLUG, provision } from "../apps/coffer/src/demo/journey.ts"
import type { Restartable } from "../apps/coffer/src/demo/restartable.ts"
import { openSandbox, type Sandbox } from "../apps/coffer/src/demo/sandbox.ts"
import { createExternalSecret, decode, waitForValue } from "./cluster-objects.ts"

const never = new AbortController().signal
const traveller = { report: { step: () => {}, command: () => {} }, signal: never, password: "e2e-password" }
const KILLS = 8
const TARGET = { namespace: "default", name: "under-fire" }
const KEY = "UNDER_FIRE"

describeWithControlPlane("killing server and operator with SIGKILL", (plane) => {
  let sandbox: Sandbox
  let client: ReturnType<typeof createClient>
  let place: FolderPlace

  beforeAll(async () => {
    sandbox = await openSandbox({ plane: plane(), report: traveller.report.step })
    await Promise.all([provision(sandbox, traveller), sandbox.operator.start()])
    const login = await readStoredLogin(`${sandbox.server.env["XDG_CONFIG_HOME"]}/coffer/credentials.json`)
    client = createClient({ baseUrl: sandbox.server.url, token: login!.token.reveal(), timeoutMs: 5000 })
    const project = await client.projects.getBySlug(PROJECT_SLUG)
    place = { projectId: project.id, environment: "prod", secretPath: "/" }
  })
  afterAll(() => sandbox?.close())

  it("loses no acknowledged write and never shows a value that the store did not have", async () => {
    const random = seededRandom(20261123)
    const history = new WriteHistory()
    const { secretValue } = await client.secrets.create(place, KEY, { secretValue: "value-0" })
    history.acknowledged(secretValue)
    await createExternalSecret(sandbox.kube, {
      ...TARGET,
      refreshInterval: "1s",
      store: "infisical",
      keys: { value: KEY },
    })
    const stop = new AbortController()
    const seen = new Set<string>()
    const background = Promise.all([
      writeUntil(stop.signal, client, place, history),
      watchUntil(stop.signal, sandbox, seen),
    ])
    for (let kill = 0; kill < KILLS; kill += 1) {
      await sleep(systemClock, 200 + random() * 1200)
      await killAndRestart(kill % 2 === 0 ? sandbox.server : sandbox.operator)
    }
    stop.abort()
    await background
    await expectNoLoss(client, place, history)
    const newest = (await client.secrets.get(place, KEY)).secretValue
    await waitForValue(sandbox.kube, TARGET, "value", { value: newest, timeoutMs: 30_000 })
    expect(history.acknowledgedCount).toBeGreaterThan(KILLS)
    expect([...seen].filter((value) => !history.wasSent(value))).toEqual([])
    expect(seen.size).toBeGreaterThan(1)
  }, 180_000)
})

/** What was sent, and what of it the server said yes to. Values count upwards. */
class WriteHistory {
  #newestAcknowledged = 0
  #sent = 0
  acknowledgedCount = 0

  next(): string {
    this.#sent += 1
    return `value-${this.#sent}`
  }

  acknowledged(value: string): void {
    this.#newestAcknowledged = numberOf(value)
    this.acknowledgedCount += 1
  }

  get newestAcknowledged(): number {
    return this.#newestAcknowledged
  }

  wasSent(value: string): boolean {
    return /^value-\d+$/.test(value) && numberOf(value) <= this.#sent
  }
}

function numberOf(value: string): number {
  return Number(value.slice("value-".length))
}

async function writeUntil(
  signal: AbortSignal,
  client: ReturnType<typeof createClient>,
  place: FolderPlace,
  history: WriteHistory,
): Promise<void> {
  while (!signal.aborted) {
    const secretValue = history.next()
    try {
      await client.secrets.update(place, KEY, { secretValue })
      history.acknowledged(secretValue)
    } catch {
      // not acknowledged: the server was dead or dying, and may have stored it or not
    }
    await sleep(systemClock, 20, signal)
  }
}

/** Writes down every value that the Secret ever shows. */
async function watchUntil(signal: AbortSignal, sandbox: Sandbox, seen: Set<string>): Promise<void> {
  while (!signal.aborted) {
    const { items, resourceVersion } = await sandbox.kube.listAll<SecretObject>(SECRETS, {
      namespace: TARGET.namespace,
    })
    const look = (secret: SecretObject) => {
      const value = secret.metadata.name === TARGET.name ? decode(secret, "value") : undefined
      if (value !== undefined) seen.add(value)
    }
    items.forEach(look)
    const events = sandbox.kube.watch(SECRETS, { namespace: TARGET.namespace, resourceVersion, signal })
    try {
      for await (const event of events) if (event.type !== "BOOKMARK") look(event.object)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}

async function killAndRestart(part: Restartable): Promise<void> {
  await part.process().kill()
  await part.start()
}

/** Writes are one after the other, so the stored value is the newest acknowledged one or an unanswered later one. */
async function expectNoLoss(
  client: ReturnType<typeof createClient>,
  place: FolderPlace,
  history: WriteHistory,
): Promise<void> {
  const stored = (await client.secrets.get(place, KEY)).secretValue
  expect(history.wasSent(stored)).toBe(true)
  expect(numberOf(stored)).toBeGreaterThanOrEqual(history.newestAcknowledged)
}

/** The same moments in every run (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
