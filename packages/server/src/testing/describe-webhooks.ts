import { createHmac } from "node:crypto"
import { describeDatabase, type OpenTestStorage } from "@coffer/testkit"
import { afterEach, describe, expect, it } from "vitest"
import { pruneChanges } from "../events/index.ts"
import { WebhookWorker } from "../features/webhooks/index.ts"
import { aMachine, anInstance, aProject, TestApp } from "./test-app.ts"
import { answers, WebhookReceiver } from "./webhook-receiver.ts"
import { Workbench } from "./workbench.ts"

const key = "KEY-of-the-webhook-5d1f"
/** Of one request: short, since some wait for it, and long enough for a busy machine. */
const timeoutMs = 1_500
type Json = Readonly<Record<string, unknown>>

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function aReceiver(): Promise<WebhookReceiver> {
  const receiver = await WebhookReceiver.start()
  open.push(receiver)
  return receiver
}

type Storage = Awaited<ReturnType<OpenTestStorage>>

/** A project with a receiver, and a worker that works when told to. */
class Post {
  readonly bench: Workbench
  readonly storage: Storage
  readonly receiver: WebhookReceiver
  readonly worker: WebhookWorker

  constructor(bench: Workbench, receiver: WebhookReceiver) {
    this.bench = bench
    this.storage = bench.instance.test.storage
    this.receiver = receiver
    this.worker = this.anotherWorker()
  }

  /** As another process on the same database has one. */
  anotherWorker(storage: Storage = this.storage): WebhookWorker {
    const app = storage === this.storage ? this.bench.instance.test.app : new TestApp(storage).app
    return new WebhookWorker({
      ...app.features,
      log: storage.log,
      allowInternalConnections: true,
      webhookTimeoutMs: timeoutMs,
    })
  }

  async create(of: Json = {}) {
    const { webhook } = await this.bench.ok("POST", "/v1/webhooks", { webhookUrl: this.receiver.url, ...of })
    return webhook
  }

  async list(more = "") {
    return (await this.bench.ok("GET", `/v1/webhooks?projectId=${this.bench.project}${more}`)).webhooks
  }

  async deliveries(id: string) {
    return (await this.bench.ok("GET", `/coffer/v1/webhooks/${id}/deliveries`)).deliveries
  }
}

async function aPost(storage: Storage, config: { allowInternalConnections?: boolean } = {}): Promise<Post> {
  const instance = await anInstance(storage, { allowInternalConnections: true, ...config })
  const bench = new Workbench(instance, (await aProject(instance)).id)
  return new Post(bench, await aReceiver())
}

export function describeWebhooks(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "webhooks", (openStorage) => {
    const make = async () => aPost(await openStorage())
    describeManagement(make)
    describeDelivery(make)
    describeFailure(make)
    describeProcesses(make, openStorage)
    describeGuard(openStorage)
  })
}

function describeManagement(make: () => Promise<Post>): void {
  it("are made, listed, switched off and on, and deleted as the contract says", async () => {
    const post = await make()
    const made = await post.create({ secretPath: "/api", webhookSecretKey: key })
    expect(made).toEqual({
      id: expect.any(String),
      secretPath: "/api",
      lastStatus: null,
      lastRunErrorMessage: null,
      isDisabled: false,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      envId: expect.any(String),
      type: "general",
      projectId: post.bench.project,
      environment: { id: made.envId, name: "Production", slug: "prod" },
      eventsFilter: [],
    })
    expect(await post.list()).toEqual([{ ...made, url: post.receiver.url }])
    expect(await post.list("&environment=dev")).toEqual([])
    expect(await post.list("&secretPath=/api")).toHaveLength(1)
    const { webhook } = await post.bench.ok("PATCH", `/v1/webhooks/${made.id}`, {
      isDisabled: true,
      eventsFilter: [{ eventName: "secrets.modified" }],
    })
    expect(webhook).toMatchObject({ isDisabled: true, eventsFilter: [{ eventName: "secrets.modified" }] })
    await post.bench.ok("DELETE", `/v1/webhooks/${made.id}`)
    expect(await post.list()).toEqual([])
    expect((await post.bench.call("DELETE", `/v1/webhooks/${made.id}`)).status).toBe(404)
    const types = (await post.bench.instance.test.auditEvents()).map((event) => event.type)
    expect(types).toEqual(
      expect.arrayContaining(["create-webhook", "get-webhooks", "update-webhook", "delete-webhook"]),
    )
  })

  it("keep address and key sealed, and show the address to those who may change them alone", async () => {
    const post = await make()
    await post.create({ webhookSecretKey: key })
    const { instance, project } = post.bench
    const { reader } = post.storage.database
    const { url_sealed, key_sealed } = await reader
      .selectFrom("webhook")
      .selectAll()
      .executeTakeFirstOrThrow()
    const stored = Buffer.concat([url_sealed, key_sealed ?? new Uint8Array()]).toString("latin1")
    expect(stored).not.toContain("in-the-url")
    expect(stored).not.toContain(key)
    const viewer = await aMachine(instance, { project, role: "viewer" })
    const list = `/v1/webhooks?projectId=${project}`
    const seen = await instance.test.ok("GET", list, { token: viewer.token })
    expect(seen.webhooks).toMatchObject([{ url: "" }])
    expect(JSON.stringify(await instance.test.auditEvents())).not.toMatch(/in-the-url|KEY-of/)
    const id = seen.webhooks[0].id
    const body = { projectId: project, environment: "prod", webhookUrl: "https://example.test" }
    for (const [method, url, sent] of [
      ["POST", "/v1/webhooks", body],
      ["PATCH", `/v1/webhooks/${id}`, { isDisabled: true }],
      ["POST", `/v1/webhooks/${id}/test`, {}],
      ["DELETE", `/v1/webhooks/${id}`, {}],
    ] as const) {
      const answer = await instance.test.call(method, url, { token: viewer.token, body: sent })
      expect(answer, `${method} ${url}`).toMatchObject({ status: 403, body: { error: "PermissionDenied" } })
    }
    const stranger = await aMachine(instance, { orgRole: "admin" })
    for (const url of [list, `/coffer/v1/webhooks/${id}/deliveries`]) {
      expect((await instance.test.call("GET", url, { token: stranger.token })).status).toBe(403)
    }
  })

  it.for([
    { what: "no address", body: { webhookUrl: undefined }, status: 422 },
    { what: "an address that is none", body: { webhookUrl: "SECRET-TEXT" }, status: 422 },
    {
      what: "an address with a password",
      body: { webhookUrl: "https://u:SECRET-TEXT@h.test/" },
      status: 422,
    },
    { what: "a file", body: { webhookUrl: "file:///SECRET-TEXT" }, status: 422 },
    { what: "an unknown type", body: { type: "fax" }, status: 422 },
    { what: "an unknown event", body: { eventsFilter: [{ eventName: "all" }] }, status: 422 },
    { what: "a path that climbs", body: { secretPath: "/a/../b" }, status: 422 },
    { what: "an unknown environment", body: { environment: "nowhere" }, status: 404 },
    { what: "an unknown project", body: { projectId: "00000000-0000-4000-8000-000000000000" }, status: 404 },
  ])("$what is refused with $status", async ({ body, status }) => {
    const post = await make()
    const answer = await post.bench.call("POST", "/v1/webhooks", { webhookUrl: post.receiver.url, ...body })
    expect(answer.status).toBe(status)
    expect(answer.text).not.toContain("SECRET-TEXT")
    expect(await post.list()).toEqual([])
  })
}

function describeDelivery(make: () => Promise<Post>): void {
  describe("deliveries", () => {
    it("tell who changed which folder, signed with the key, and never the value or its name", async () => {
      const post = await make()
      const webhook = await post.create({ webhookSecretKey: key, secretPath: "/**" })
      await post.bench.folder("/api")
      await post.worker.runOnce()
      post.receiver.received.splice(0)
      await post.bench.put("DB_PASSWORD", "VALUE-3c1a", "/api")
      await post.worker.runOnce()
      expect(post.receiver.received).toHaveLength(1)
      const [{ headers, text, json } = { headers: {}, text: "", json: {} }] = post.receiver.received
      expect(json).toEqual({
        event: "secrets.modified",
        project: {
          workspaceId: post.bench.project,
          projectId: post.bench.project,
          projectName: "Billing API",
          environment: "prod",
          environmentName: "Production",
          secretPath: "/api",
          changedBy: expect.any(String),
          changedByActorType: "identity",
        },
        timestamp: post.storage.clock.now(),
      })
      expect(text).not.toMatch(/VALUE|DB_PASSWORD/)
      const hex = createHmac("sha256", key).update(text).digest("hex")
      expect(headers["x-infisical-signature"]).toBe(`t=${json.timestamp};${hex}`)
      expect(headers["content-type"]).toBe("application/json")
      expect(await post.list()).toMatchObject([{ lastStatus: "success", lastRunErrorMessage: null }])
      expect((await post.deliveries(webhook.id))[0]).toMatchObject({
        id: headers["x-coffer-delivery"],
        state: "success",
        secretPath: "/api",
        attempts: [{ attempt: 1, statusCode: 200, error: null }],
      })
      const triggered = (await post.bench.instance.test.auditEvents()).filter(
        (event) => event.type === "webhook-triggered",
      )
      expect(triggered.at(-1)).toMatchObject({
        actor: { type: "platform" },
        metadata: { webhookId: webhook.id, status: "success", attempt: 1 },
      })
    })

    it.for([
      { of: { secretPath: "/" }, told: ["/"] },
      { of: { secretPath: "/api" }, told: ["/api"] },
      { of: { secretPath: "/api/**" }, told: ["/api", "/api/worker"] },
      { of: { secretPath: "/*" }, told: ["/api"] },
      { of: { secretPath: "/**", environment: "dev" }, told: [] },
      {
        of: { secretPath: "/**", eventsFilter: [{ eventName: "secrets.modified" }] },
        told: ["/", "/api", "/api/worker"],
      },
      { of: { secretPath: "/**", eventsFilter: [{ eventName: "secrets.rotation-failed" }] }, told: [] },
    ])("of $of tell of $told", async ({ of, told }) => {
      const post = await make()
      await post.bench.folder("/api/worker")
      await post.create(of)
      for (const place of ["/", "/api", "/api/worker"]) await post.bench.put("A", "1", place)
      await post.worker.runOnce()
      expect(post.receiver.received.map(({ json }) => json.project.secretPath)).toEqual(told)
    })

    it("tell of a folder that imports the changed one, and of nothing from before or while switched off", async () => {
      const post = await make()
      for (const place of ["/shared", "/app"]) await post.bench.folder(place)
      const source = { environment: "prod", path: "/shared" }
      await post.bench.ok("POST", "/v2/secret-imports", { path: "/app", import: source })
      await post.bench.put("BEFORE", "1", "/app")
      const { id } = await post.create({ secretPath: "/app" })
      await post.bench.put("A", "1", "/shared")
      await post.worker.runOnce()
      expect(post.receiver.received).toHaveLength(1)
      await post.bench.ok("PATCH", `/v1/webhooks/${id}`, { isDisabled: true })
      await post.bench.put("B", "1", "/shared")
      await post.worker.runOnce()
      await post.bench.ok("PATCH", `/v1/webhooks/${id}`, { isDisabled: false })
      await post.worker.runOnce()
      expect(post.receiver.received).toHaveLength(1)
      await post.bench.put("C", "1", "/shared")
      await post.worker.runOnce()
      expect(post.receiver.received).toHaveLength(2)
    })

    it("look as Slack and Microsoft Teams want them, and names become neither links nor mentions", async () => {
      const post = await make()
      await post.bench.ok("PATCH", `/v1/projects/${post.bench.project}`, { name: "<!channel> & co" })
      await post.create({ type: "slack" })
      await post.create({ type: "microsoft-teams" })
      await post.bench.put("A", "1")
      await post.worker.runOnce()
      const bodies = post.receiver.received.map(({ json }) => json)
      const slack = bodies.find((body) => body.text !== undefined)
      expect(slack.text).toContain("&lt;!channel&gt; &amp; co")
      expect(slack.attachments[0].fields).toContainEqual({ title: "Path", value: "/", short: true })
      const teams = bodies.find((body) => body.type === "message")
      expect(teams.attachments[0]).toMatchObject({
        contentType: "application/vnd.microsoft.card.adaptive",
        content: { type: "AdaptiveCard" },
      })
    })

    it("can be tried out", async () => {
      const post = await make()
      const { id } = await post.create()
      const test = () => post.bench.ok("POST", `/v1/webhooks/${id}/test`, {})
      expect((await test()).webhook).toMatchObject({ lastStatus: "success", lastRunErrorMessage: null })
      expect(post.receiver.received[0]?.json).toMatchObject({ event: "test" })
      post.receiver.behave = answers.fails
      expect((await test()).webhook).toMatchObject({
        lastStatus: "failed",
        lastRunErrorMessage: "The receiver answered with status 500",
      })
      await post.worker.runOnce()
      expect(post.receiver.received).toHaveLength(2)
    })
  })
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
    const other = await aReceiver()
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

  it("a worker that runs delivers within a second of the write", async () => {
    const post = await make()
    await post.create()
    post.worker.start()
    open.push({ close: () => post.worker.stop() })
    await post.bench.put("A", "1")
    await expect.poll(() => post.receiver.received.length, { timeout: 1_000 }).toBe(1)
  })

  it("several processes tell of each change once, and the feed is never cut before it was told", async () => {
    const storage = await openStorage()
    const post = await aPost(storage)
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
    const post = await aPost(await openStorage(), { allowInternalConnections: false })
    const { project } = post.bench
    const body = { projectId: project, environment: "prod", webhookUrl: url }
    const answer = await post.bench.call("POST", "/v1/webhooks", body)
    expect(answer).toMatchObject({ status: 400, body: { error: "BadRequest" } })
    expect(answer.body.message).toMatch(/^webhookUrl: .*ALLOW_INTERNAL_IP_CONNECTIONS/)
    expect(await post.list()).toEqual([])
  })

  it("a name that resolves to an internal address is refused when it is delivered to", async () => {
    const post = await aPost(await openStorage(), { allowInternalConnections: false })
    const { id } = await post.create({ webhookUrl: "http://localhost:9/" })
    const { webhook } = await post.bench.ok("POST", `/v1/webhooks/${id}/test`, {})
    expect(webhook.lastStatus).toBe("failed")
    expect(webhook.lastRunErrorMessage).toContain("ALLOW_INTERNAL_IP_CONNECTIONS")
  })

  it("an internal address that was allowed once gets nothing when it is not any more", async () => {
    const storage = await openStorage()
    const post = await aPost(storage)
    await post.create()
    await post.bench.put("A", "1")
    const { features } = post.bench.instance.test.app
    const strict = new WebhookWorker({ ...features, log: storage.log, allowInternalConnections: false })
    await strict.runOnce()
    expect(post.receiver.received).toEqual([])
    expect(await post.list()).toMatchObject([{ lastStatus: "failed" }])
  })
}
