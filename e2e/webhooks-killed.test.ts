/**
 * The server, and PostgreSQL under it, die while webhooks are delivered. Nothing that was acknowledged is left untold,
 * nothing is told as two, and the log of deliveries says what the receiver saw.
 */
import { expect } from "vitest"
import { WebhookReceiver } from "../packages/server/src/testing/webhook-receiver.ts"
import type { AwayServer } from "./away-server.ts"
import { auditEventsOf, itSurvivesKills, type Kill, pause } from "./killed-server.ts"

const fewestKills = 6
const fewestAcknowledged = 20
const folders = 20
/** What a process that died had in hand is another's after a minute; what failed is tried again after seconds. */
const longestWaitMs = 150_000

type Delivery = {
  readonly id: string
  readonly state: string
  readonly secretPath: string
  readonly attempts: readonly { readonly statusCode: number | null }[]
}

itSurvivesKills(
  {
    name: "whatever moment the server is killed at, its webhooks are told of every change",
    settings: () => ({ ALLOW_INTERNAL_IP_CONNECTIONS: "true" }),
    limitMs: longestWaitMs + 150_000,
  },
  async (away, kill) => {
    const told = new ToldReceiver(await WebhookReceiver.start())
    try {
      await survives(away, kill, told)
    } finally {
      await told.receiver.close()
    }
  },
)

async function survives(away: AwayServer, kill: Kill, told: ToldReceiver): Promise<void> {
  const paths = Array.from({ length: folders }, (_, index) => `/f${index}`)
  for (const path of [...paths, "/last"]) {
    expect((await away.ask("POST", "/v2/folders", { name: path.slice(1), path: "/" })).status).toBe(200)
  }
  const webhookIds: string[] = []
  for (let count = 0; count < 3; count += 1) {
    const body = { webhookUrl: told.receiver.url, secretPath: "/**" }
    webhookIds.push((await away.ask("POST", "/v1/webhooks", body)).body.webhook.id)
  }
  const stop = new AbortController()
  const changes = new Map(paths.map((path) => [path, { acknowledged: 0, unanswered: 0 }]))
  const writing = Promise.all(
    ["A", "B"].map((writer) => write(away, { writer, changes, signal: stop.signal })),
  )
  const acknowledged = () => [...changes.values()].reduce((sum, one) => sum + one.acknowledged, 0)
  let kills = 0
  // On a slow machine more of them are needed until enough was acknowledged.
  while (kills < fewestKills || (acknowledged() <= fewestAcknowledged && kills < 5 * fewestKills)) {
    await pause(300 + Math.random() * 900)
    await kill()
    kills += 1
  }
  stop.abort()
  await writing
  const last = () => away.ask("POST", "/v4/secrets/LAST", { secretPath: "/last", secretValue: "x" })
  expect((await away.untilBack(last, 20_000)).status).toBe(200)

  let logged = 0
  for (const webhookId of webhookIds) {
    const deliveries = await untilDelivered(away, webhookId)
    for (const [path, { acknowledged, unanswered }] of changes) {
      const { length } = deliveries.filter((delivery) => delivery.secretPath === path)
      expect(length, `${path}, each change once`).toBeGreaterThanOrEqual(acknowledged)
      expect(length, `${path}, each change once`).toBeLessThanOrEqual(acknowledged + unanswered)
    }
    for (const delivery of deliveries) told.expectToHaveSeen(delivery)
    logged += deliveries.reduce((sum, { attempts }) => sum + attempts.length, 0)
  }
  expect(told.notInALog()).toEqual([])
  // Each webhook is told one thing at a time: a kill may repeat one of each.
  expect(told.answered - logged).toBeLessThanOrEqual(kills * webhookIds.length)
  const triggered = await auditEventsOf(away, away.place.projectId, "webhook-triggered")
  expect(triggered).toHaveLength(logged)
  expect(acknowledged()).toBeGreaterThan(fewestAcknowledged)
  expect(await away.verifyAudit()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("intact") })
}

/** Makes one secret after the other, each in the next folder. */
async function write(
  away: AwayServer,
  {
    writer,
    changes,
    signal,
  }: {
    readonly writer: string
    readonly changes: ReadonlyMap<string, { acknowledged: number; unanswered: number }>
    readonly signal: AbortSignal
  },
): Promise<void> {
  for (let count = 0; !signal.aborted; ) {
    for (const [secretPath, book] of changes) {
      if (signal.aborted) return
      count += 1
      const body = { secretPath, secretValue: "x" }
      const answer = await away.ask("POST", `/v4/secrets/${writer}_${count}`, body).catch(() => undefined)
      if (answer === undefined || answer.status === 503) book.unanswered += 1
      else if (answer.status === 200) book.acknowledged += 1
      else throw new Error(`${secretPath}: ${answer.status} ${JSON.stringify(answer.body)}`)
      await pause(60)
    }
  }
}

/** All deliveries, when the one of the last change is there and none is left to do. */
async function untilDelivered(away: AwayServer, webhookId: string): Promise<readonly Delivery[]> {
  let deliveries: Delivery[] = []
  const isDone = async () => {
    deliveries = await listDeliveries(away, webhookId)
    const isLastThere = deliveries.some(({ secretPath }) => secretPath === "/last")
    return isLastThere && deliveries.every(({ state }) => state !== "pending")
  }
  await expect.poll(isDone, { timeout: longestWaitMs, interval: 1_000 }).toBe(true)
  return deliveries
}

async function listDeliveries(away: AwayServer, webhookId: string): Promise<Delivery[]> {
  const limit = 100
  const all: Delivery[] = []
  for (;;) {
    const path = `/coffer/v1/webhooks/${webhookId}/deliveries?limit=${limit}&offset=${all.length}`
    const { deliveries } = (await away.ask("GET", path)).body
    all.push(...deliveries)
    if (deliveries.length < limit) return all
  }
}

/** Answers a little later, refuses the first try of some, and keeps book of what it answered. */
class ToldReceiver {
  readonly receiver: WebhookReceiver
  readonly #answers = new Map<string, number[]>()
  readonly #logged = new Set<string>()

  constructor(receiver: WebhookReceiver) {
    this.receiver = receiver
    receiver.behave = (response) => {
      const id = String(receiver.received.at(-1)?.headers["x-coffer-delivery"])
      const answers = this.#answers.get(id) ?? []
      this.#answers.set(id, answers)
      const isRefused = answers.length === 0 && this.#answers.size % 7 === 0
      const status = isRefused ? 500 : 200
      answers.push(status)
      setTimeout(() => response.writeHead(status).end(), 10 + Math.random() * 40)
    }
  }

  get answered(): number {
    return [...this.#answers.values()].reduce((sum, { length }) => sum + length, 0)
  }

  /** It was told in the end, and what the log says of its tries is what was answered, in that order. */
  expectToHaveSeen({ id, state, attempts }: Delivery): void {
    this.#logged.add(id)
    const answers = this.#answers.get(id) ?? []
    const inLog = attempts.map(({ statusCode }) => statusCode)
    expect(state, id).toBe("success")
    expect(answers, id).toContain(200)
    expect(inLog.at(-1), id).toBe(200)
    let from = 0
    for (const status of inLog) {
      const at = answers.indexOf(status ?? 0, from)
      expect(at, `${id}: logged ${inLog}, answered ${answers}`).toBeGreaterThanOrEqual(0)
      from = at + 1
    }
  }

  notInALog(): readonly string[] {
    return [...this.#answers.keys()].filter((id) => !this.#logged.has(id))
  }
}
