import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { aClock, aLog, type RecordingLog } from "@coffer/testkit"
import { afterEach, describe, expect, it } from "vitest"
import { readConfig } from "./config.ts"
import { systemRandom } from "./random.ts"
import type { Environment } from "./read-settings.ts"
import { type RunningServer, startServer } from "./server.ts"
import { answers, WebhookReceiver } from "./testing/webhook-receiver.ts"

const folders: string[] = []
const servers: RunningServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "coffer-server-"))
  folders.push(folder)
  return folder
}

type Started = { readonly server: RunningServer; readonly announced: string[]; readonly log: RecordingLog }

async function start(folder: string, environment: Environment = {}): Promise<Started> {
  const announced: string[] = []
  const log = aLog()
  const config = readConfig({ COFFER_DATA_DIR: folder, PORT: "0", ...environment })
  const announce = (text: string) => void announced.push(text)
  const server = await startServer(config, { clock: aClock(), random: systemRandom, log, announce })
  servers.push(server)
  return { server, announced, log }
}

async function stop(server: RunningServer): Promise<void> {
  servers.splice(servers.indexOf(server), 1)
  await server.close()
}

function post(server: RunningServer, path: string, body: object, token = ""): Promise<Response> {
  return fetch(`${server.url}/api${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
}

async function bootstrap(server: RunningServer): Promise<string> {
  const answer = await post(server, "/v1/admin/bootstrap", {
    email: "a@b.test",
    password: "x",
    organization: "O",
  })
  const { identity } = (await answer.json()) as { identity: { credentials: { token: string } } }
  return identity.credentials.token
}

/** Resolves once the server has the head of the request; `finish` sends the body and resolves with the status. */
function sendHeaders(server: RunningServer, path: string) {
  const headers = { "content-type": "application/json", expect: "100-continue" }
  const sent = request(`${server.url}/api${path}`, { method: "POST", headers, agent: false })
  const status = new Promise<number | undefined>((resolve, reject) => {
    sent.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode)))
    sent.on("error", reject)
  })
  const finish = (body: string) => {
    sent.end(body)
    return status
  }
  return new Promise<{ readonly finish: typeof finish }>((resolve, reject) => {
    sent.on("continue", () => resolve({ finish })).on("error", reject)
    sent.flushHeaders()
  })
}

describe("a server", () => {
  it("shows a setup token until it is set up, and keeps it out of its log", async () => {
    const folder = aFolder()
    const first = await start(folder)
    const token = /setup token: (\S+)/.exec(first.announced.join("\n"))?.[1] ?? ""
    expect(token.length).toBeGreaterThan(20)
    expect(JSON.stringify(first.log.entries)).not.toContain(token)
    const answer = await fetch(`${first.server.url}/api/status`)
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/)
    expect(await answer.json()).toMatchObject({ message: "Ok" })
    const body = { email: "a@b.test", password: "x", organization: "O" }
    expect((await post(first.server, "/v1/admin/bootstrap", body)).status).toBe(200)
    await stop(first.server)
    const second = await start(folder)
    expect(second.announced).toEqual([])
  })

  it("keeps what it acknowledged over a restart, tokens included", async () => {
    const folder = aFolder()
    const { server } = await start(folder)
    const token = await bootstrap(server)
    const made = await post(server, "/v1/projects", { projectName: "P", slug: "project-1" }, token)
    const { project } = (await made.json()) as { project: { id: string } }
    const secret = { projectId: project.id, environment: "dev", secretValue: "kept" }
    expect((await post(server, "/v4/secrets/KEY", secret, token)).status).toBe(200)
    await stop(server)
    const again = await start(folder)
    const url = `${again.server.url}/api/v3/secrets/raw/KEY?workspaceSlug=project-1&environment=dev`
    const read = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    expect(await read.json()).toMatchObject({ secret: { secretValue: "kept" } })
  })

  it("takes up at once what a process that was killed had in hand", async () => {
    const folder = aFolder()
    const stream = join(folder, "audit.ndjson")
    const published = () => (existsSync(stream) ? readFileSync(stream, "utf8") : "")
    const environment = { COFFER_AUDIT_STREAM_FILE: stream, ALLOW_INTERNAL_IP_CONNECTIONS: "true" }
    const receiver = await WebhookReceiver.start()
    try {
      const { server } = await start(folder, environment)
      const token = await bootstrap(server)
      const made = await post(server, "/v1/projects", { projectName: "P", slug: "project-1" }, token)
      const { project } = (await made.json()) as { project: { id: string } }
      const place = { projectId: project.id, workspaceId: project.id, environment: "dev", secretPath: "/" }
      await post(server, "/v1/webhooks", { ...place, webhookUrl: receiver.url }, token)
      receiver.behave = answers.hangs
      await post(server, "/v4/secrets/KEY", { ...place, secretValue: "v" }, token)
      await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(1)
      await expect.poll(published, { timeout: 10_000 }).toContain("create-secret")
      await stop(server)
      // As if it had been killed instead: it gave nothing back.
      const file = new DatabaseSync(join(folder, "coffer.db"))
      const until = Number.MAX_SAFE_INTEGER
      const leases = file.prepare("update task_lease set holder = 'dead', held_until = ?").run(until)
      const deliveries = file
        .prepare("update webhook_delivery set lease_holder = 'dead', lease_until = ? where state = 'pending'")
        .run(until)
      file.close()
      expect([leases.changes, deliveries.changes]).toEqual([1, 1])
      receiver.behave = answers.ok
      const again = await start(folder, environment)
      await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(2)
      await fetch(`${again.server.url}/api/v1/projects`, { headers: { authorization: `Bearer ${token}` } })
      await expect.poll(published, { timeout: 10_000 }).toContain("get-projects")
    } finally {
      await receiver.close()
    }
  })

  it("finishes the requests under way when it is closed", async () => {
    const { server } = await start(aFolder())
    const body = { email: "a@b.test", password: "x", organization: "O" }
    const underWay = await sendHeaders(server, "/v1/admin/bootstrap")
    const answer = underWay.finish(JSON.stringify(body))
    await stop(server)
    expect(await answer).toBe(200)
  })

  it("says which address it cannot listen on", async () => {
    const { server } = await start(aFolder())
    const { port } = new URL(server.url)
    await expect(start(aFolder(), { PORT: port })).rejects.toThrow(`Cannot listen on 127.0.0.1:${port}`)
  })

  it("warns about variables that nothing reads", async () => {
    const { log } = await start(aFolder(), { COFFER_PROT: "1" })
    expect(log.entries).toContainEqual({
      level: "warn",
      fields: { warning: "COFFER_PROT is set, but nothing reads it" },
      message: "configuration",
    })
  })
})
