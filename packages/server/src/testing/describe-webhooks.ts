import { createHmac } from "node:crypto"
import { describeDatabase } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import { closeAfterEach } from "./close-after-each.ts"
import { describeWebhookTrouble } from "./describe-webhook-trouble.ts"
import { aMachine } from "./test-app.ts"
import { aPost, type Post } from "./webhook-post.ts"
import { answers } from "./webhook-receiver.ts"

const key = "KEY-of-the-webhook-5d1f"

const opened = closeAfterEach()

export function describeWebhooks(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "webhooks", (openStorage) => {
    const make = async () => opened(await aPost(await openStorage()))
    describeManagement(make)
    describeDelivery(make)
    describeWebhookTrouble(openStorage)
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
