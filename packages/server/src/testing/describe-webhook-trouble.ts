/** Webhooks whose receivers or senders fail, and receivers that must not be reached. */
import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { pruneChanges } from "../events/index.ts"
import { WebhookWorker } from "../features/webhooks/index.ts"
import { closeAfterEach } from "./close-after-each.ts"
import { startWithoutIntervals } from "./start-without-intervals.ts"
import { aPost, type Post, timeoutMs } from "./webhook-post.ts"
import { answers, WebhookReceiver } from "./webhook-receiver.ts"

const opened = closeAfterEach()

export function describeWebhookTrouble(openStorage: OpenTestStorage): void {
  const make = async () => opened(await aPost(await openStorage()))
  describeFailure(make)
  describeProcesses(make, openStorage)
  describeGuard(openStorage)
}

function describeFailure(make: () => Promise<Post>): void {
  it.for([
    { what: "fails", told: /status 500/, statusCode: 500 },
    { what: "hangs", told: new RegExp(`did not answer within ${timeoutMs} ms`), statusCode: null },
    { what: "redirects", told: /redirect/, statusCode: null },
    { what: "isHuge", told: /larger than/, statusCode: null },
    { what: "resets", told: /can't be reached/, statusCode: null },
  ] as const)("a receiver that $what is tried again later, and the log says what happened", async ({
    what,
    told,
    statusCode,
  }) => {
    const post = await make()
    const { id } = await post.create()
    post.receiver.behave = answers[what]
    await post.bench.put("A", "1")
    await post.worker.runOnce()
    expect(post.receiver.received).toHaveLength(1)
    const [delivery] = await post.deliveries(id)
    expect(delivery).toMatchObject({ state: "pending", attempts: [{ attempt: 1, statusCode }] })
    expect(delivery.attempts[0].error).toMatch(told)
    expect(JSON.stringify([delivery, await post.list()])).not.toContain("a secret detail")
    expect(JSON.stringify(delivery)).not.toContain("in-the-url")
    expect(await post.list()).toMatchObject([{ lastStatus: "failed" }])
    const pauseMs = Date.parse(delivery.nextAttemptAt) - post.storage.clock.now()
    expect(pauseMs).toBeGreaterThanOrEqual(4_000)
    expect(pauseMs).toBeLessThanOrEqual(5_000)
    post.receiver.behave = answers.ok
    post.storage.clock.advance(5_001)
    await post.worker.runOnce()
    expect(await post.deliveries(id)).toMatchObject([
      { state: "success", attempts: [{}, { attempt: 2, statusCode: 200 }] },
    ])
    const [first, second] = post.receiver.received
    expect(second?.headers["x-coffer-delivery"]).toBe(first?.headers["x-coffer-delivery"])
  })

  it("a receiver that never answers well is given up after eight tries, further apart each time", async () => {
    const post = await make()
    const { id } = await post.create()
    post.receiver.behave = answers.fails
    await post.bench.put("A", "1")
    for (let round = 0; round < 12; round += 1) {
      await post.worker.runOnce()
      post.storage.clock.advance(6 * 3_600_000)
    }
    const [delivery] = await post.deliveries(id)
    expect(delivery).toMatchObject({ state: "failed", nextAttemptAt: null, finishedAt: expect.any(String) })
    expect(delivery.attempts).toHaveLength(8)
    expect(post.receiver.received).toHaveLength(8)
    post.storage.clock.advance(31 * 86_400_000)
    await post.worker.clean()
    expect(await post.deliveries(id)).toEqual([])
  })

  it("one that hangs holds up no other", async () => {
    const post = await make()
    const other = opened(await WebhookReceiver.start())
    post.receiver.behave = answers.hangs
    await post.create()
    await post.create({ webhookUrl: other.url })
    for (const name of ["A", "B", "C"]) await post.bench.put(name, "1")
    await post.worker.runOnce()
    expect(other.received).toHaveLength(3)
  })
}

function describeProcesses(make: () => Promise<Post>, openStorage: OpenTestStorage): void {
  it("what a process that died had taken is delivered by another when its lease is over", async () => {
    const post = await make()
    await post.create()
    await post.bench.put("A", "1")
    post.receiver.behave = answers.hangs
    const dying = post.worker.runOnce()
    await expect.poll(() => post.receiver.received.length).toBe(1)
    const rescuer = post.anotherWorker()
    await rescuer.runOnce()
    expect(post.receiver.received).toHaveLength(1)
    post.storage.clock.advance(60_001)
    post.receiver.behave = answers.ok
    await rescuer.runOnce()
    expect(post.receiver.received).toHaveLength(2)
    await dying
    const { attempts, state } = await post.storage.database.reader
      .selectFrom("webhook_delivery")
      .select(["attempts", "state"])
      .executeTakeFirstOrThrow()
    expect({ attempts, state }).toEqual({ attempts: 1, state: "success" })
  })

  it("a process that ends gives back what it was delivering", async () => {
    const post = await make()
    await post.create()
    await post.bench.put("A", "1")
    post.receiver.behave = answers.hangs
    post.worker.start()
    await expect.poll(() => post.receiver.received.length).toBe(1)
    await post.worker.stop()
    post.receiver.behave = answers.ok
    await post.anotherWorker().runOnce()
    expect(post.receiver.received).toHaveLength(2)
  })

  it("a worker that runs delivers because of the write, and does not wait until it looks again", async () => {
    const post = await make()
    await post.create()
    startWithoutIntervals(post.worker)
    opened({ close: () => post.worker.stop() })
    await post.bench.put("A", "1")
    await expect.poll(() => post.receiver.received.length).toBe(1)
  })

  it("several processes tell of each change once, and the feed is never cut before it was told", async () => {
    const storage = await openStorage()
    const post = opened(await aPost(storage))
    const isShared = storage.connectionUri !== undefined
    const others = isShared
      ? [post.anotherWorker(await openStorage({ sameAs: storage, clock: storage.clock }))]
      : [post.anotherWorker()]
    await post.create()
    for (let count = 0; count < 12; count += 1) await post.bench.put(`KEY_${count}`, "1")
    storage.clock.advance(40 * 86_400_000)
    await pruneChanges(storage)
    await Promise.all([post.worker, ...others].map((worker) => worker.runOnce()))
    await post.worker.runOnce()
    expect(post.receiver.received).toHaveLength(12)
    const ids = post.receiver.received.map(({ headers }) => headers["x-coffer-delivery"])
    expect(new Set(ids).size).toBe(12)
    await pruneChanges(storage)
    expect(await storage.database.reader.selectFrom("change").selectAll().execute()).toEqual([])
  })
}

function describeGuard(openStorage: OpenTestStorage): void {
  it.for([
    { url: "http://127.0.0.1:9/" },
    { url: "http://2130706433:9/" },
    { url: "http://[::1]:9/" },
    { url: "http://[::ffff:10.0.0.1]:9/" },
    { url: "http://169.254.169.254/latest/meta-data" },
    { url: "http://10.1.2.3/" },
    { url: "http://[fd00::1]/" },
  ])("$url is refused at once unless internal addresses are allowed", async ({ url }) => {
    const post = opened(await aPost(await openStorage(), { allowInternalConnections: false }))
    const { project } = post.bench
    const body = { projectId: project, environment: "prod", webhookUrl: url }
    const answer = await post.bench.call("POST", "/v1/webhooks", body)
    expect(answer).toMatchObject({ status: 400, body: { error: "BadRequest" } })
    expect(answer.body.message).toMatch(/^webhookUrl: .*ALLOW_INTERNAL_IP_CONNECTIONS/)
    expect(await post.list()).toEqual([])
  })

  it("a name that resolves to an internal address is refused when it is delivered to", async () => {
    const post = opened(await aPost(await openStorage(), { allowInternalConnections: false }))
    const { id } = await post.create({ webhookUrl: "http://localhost:9/" })
    const { webhook } = await post.bench.ok("POST", `/v1/webhooks/${id}/test`, {})
    expect(webhook.lastStatus).toBe("failed")
    expect(webhook.lastRunErrorMessage).toContain("ALLOW_INTERNAL_IP_CONNECTIONS")
  })

  it("an internal address that was allowed once gets nothing when it is not any more", async () => {
    const storage = await openStorage()
    const post = opened(await aPost(storage))
    await post.create()
    await post.bench.put("A", "1")
    const { features } = post.bench.instance.test.app
    const strict = new WebhookWorker({ ...features, log: storage.log, allowInternalConnections: false })
    await strict.runOnce()
    expect(post.receiver.received).toEqual([])
    expect(await post.list()).toMatchObject([{ lastStatus: "failed" }])
  })
}
