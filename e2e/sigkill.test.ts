/**
 * Server and operator die at random moments while secrets change. No acknowledged write is lost, the Secret
 * ends with the newest acknowledged value, and it never holds a value that the store did not have.
 */
import { type CofferClient, createClient, type FolderPlace, isApiError, type Secret } from "@coffer/client"
import { SECRETS, type SecretObject, sleep, systemClock } from "@coffer/kube-runtime"
import { describeWithControlPlane } from "@coffer/testkit"
import { afterAll, beforeAll, expect, it } from "vitest"
import { readStoredLogin } from "../apps/coffer/src/credentials-file.ts"
import { PROJECT_SLUG, provision } from "../apps/coffer/src/demo/journey.ts"
import { runCoffer } from "../apps/coffer/src/demo/processes.ts"
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
  let client: CofferClient
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
    const changes = new Changes()
    const creations = new Map<string, string>()
    await client.secrets.create(place, KEY, { secretValue: changes.next() })
    const refreshInterval = "1s"
    await createExternalSecret(sandbox.kube, {
      ...TARGET,
      refreshInterval,
      store: "infisical",
      keys: { value: KEY },
    })
    const stop = new AbortController()
    const shown = new Set<string>()
    const background = Promise.all([
      changeUntil(stop.signal, client, place, changes),
      ...[1, 2, 3].map((writer) => createUntil(stop.signal, client, place, { writer, creations })),
      watchUntil(stop.signal, sandbox, shown),
    ])
    const isEnough = () => shown.size > 1 && creations.size > KILLS && changes.acknowledged > KILLS
    // On a slow machine more of them are needed until enough was written, and shown.
    for (let kill = 0; kill < KILLS || (!isEnough() && kill < 5 * KILLS); kill += 1) {
      await sleep(systemClock, 200 + random() * 1200)
      if (kill % 3 !== 1) await killAndRestart(sandbox.server)
      if (kill % 3 !== 0) await killAndRestart(sandbox.operator)
    }
    stop.abort()
    await background

    const { secrets } = await client.secrets.list(place)
    const stored = new Map(secrets.map((secret) => [secret.secretKey, secret.secretValue]))
    expect([...creations].filter(([key, value]) => stored.get(key) !== value)).toEqual([])
    expect(creations.size).toBeGreaterThan(KILLS)
    const newest = await client.secrets.get(place, KEY)
    changes.expectToHold(newest)
    await waitForValue(sandbox.kube, TARGET, "value", { value: newest.secretValue, timeoutMs: 30_000 })
    expect([...shown].filter((value) => !changes.wasSent(value))).toEqual([])
    expect(shown.size).toBeGreaterThan(1)
    const audit = await runCoffer(
      ["audit", "verify", "--data-dir", sandbox.server.dataFolder],
      sandbox.server.env,
    )
    expect(audit).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("intact") })
  }, 180_000)
})

/** The values that one key was given, one after the other; they count upwards. */
class Changes {
  #newestAcknowledged = 0
  #sent = -1
  #acknowledged = 0

  next(): string {
    this.#sent += 1
    return `value-${this.#sent}`
  }

  acknowledge(value: string): void {
    this.#newestAcknowledged = numberOf(value)
    this.#acknowledged += 1
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  wasSent(value: string): boolean {
    return /^value-\d+$/.test(value) && numberOf(value) <= this.#sent
  }

  /** Nothing that was acknowledged is missing, and nothing was carried out twice. */
  expectToHold(secret: Secret): void {
    expect(this.wasSent(secret.secretValue)).toBe(true)
    expect(numberOf(secret.secretValue)).toBeGreaterThanOrEqual(this.#newestAcknowledged)
    expect(secret.version - 1).toBeGreaterThanOrEqual(this.#acknowledged)
    expect(secret.version - 1).toBeLessThanOrEqual(this.#sent)
    expect(this.#acknowledged).toBeGreaterThan(KILLS)
  }
}

function numberOf(value: string): number {
  return Number(value.slice("value-".length))
}

async function changeUntil(
  signal: AbortSignal,
  client: CofferClient,
  place: FolderPlace,
  changes: Changes,
): Promise<void> {
  while (!signal.aborted) {
    const secretValue = changes.next()
    if (await isAcknowledged(client.secrets.update(place, KEY, { secretValue })))
      changes.acknowledge(secretValue)
    await sleep(systemClock, 20, signal)
  }
}

/** Creates one key after the other, and writes down those that the server said yes to. */
async function createUntil(
  signal: AbortSignal,
  client: CofferClient,
  place: FolderPlace,
  { writer, creations }: { readonly writer: number; readonly creations: Map<string, string> },
): Promise<void> {
  for (let count = 1; !signal.aborted; count += 1) {
    const key = `WRITER_${writer}_${count}`
    const secretValue = `created-${writer}-${count}`
    if (await isAcknowledged(client.secrets.create(place, key, { secretValue })))
      creations.set(key, secretValue)
    await sleep(systemClock, 30, signal)
  }
}

/** False when the server was dead or dying: it may have stored it or not. Any other refusal fails the test. */
async function isAcknowledged(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    if (isApiError(error, "unavailable")) return false
    throw error
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
