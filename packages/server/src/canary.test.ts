import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { inspect } from "node:util"
import { describeDatabase, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { createSetupToken } from "./features/admin/index.ts"
import { aMachine, anInstance, aProject, type Instance, TestApp } from "./testing/test-app.ts"

const canary = (what: string) => `CANARY-${what}-3f9c1a`

/** Everything that was put in and must be found nowhere: values in every field that holds one, and credentials. */
const planted = {
  value: canary("value"),
  comment: canary("comment"),
  metadata: canary("metadata"),
  password: canary("password"),
  bad: canary("bad"),
}

/** The bytes of every file of the data folder but the root key. */
function databaseBytes(storage: TestStorage): Buffer {
  const files = readdirSync(storage.dataFolder).filter((name) => name !== "root.key")
  expect(files.some((name) => name.endsWith("-wal"))).toBe(true)
  return Buffer.concat(files.map((name) => readFileSync(join(storage.dataFolder, name))))
}

type Request = {
  readonly method: string
  readonly url: string
  readonly body?: Readonly<Record<string, unknown>>
}

/** Every route that takes or gives a secret value, and more. */
function requestsOf(project: string, identity: string): readonly Request[] {
  const v3 = { workspaceId: project, environment: "prod" }
  const v4 = { projectId: project, environment: "prod" }
  const content = {
    secretValue: planted.value,
    secretComment: planted.comment,
    secretMetadata: [{ key: "owner", value: planted.metadata, isEncrypted: true }],
  }
  const query = `workspaceId=${project}&projectId=${project}&environment=prod`
  const auth = `/v1/auth/universal-auth/identities/${identity}`
  return [
    { method: "POST", url: "/v3/secrets/raw/A", body: { ...v3, ...content } },
    { method: "POST", url: "/v3/secrets/raw/A", body: { ...v3, ...content } },
    { method: "POST", url: "/v4/secrets/B", body: { ...v4, ...content } },
    { method: "PATCH", url: "/v3/secrets/raw/A", body: { ...v3, ...content, newSecretName: "A2" } },
    { method: "PATCH", url: "/v4/secrets/B", body: { ...v4, ...content } },
    {
      method: "POST",
      url: "/v3/secrets/batch/raw",
      body: { ...v3, secrets: [{ ...content, secretKey: "C" }] },
    },
    {
      method: "PATCH",
      url: "/v4/secrets/batch",
      body: { ...v4, mode: "upsert", secrets: [{ ...content, secretKey: "D" }] },
    },
    { method: "POST", url: "/v4/secrets/REF", body: { ...v4, secretValue: `\${B}-${planted.value}` } },
    { method: "GET", url: `/v3/secrets/raw?${query}&expandSecretReferences=true` },
    { method: "GET", url: `/v4/secrets?${query}&recursive=true` },
    { method: "GET", url: `/v3/secrets/raw/A2?${query}` },
    { method: "GET", url: `/v4/secrets/REF?${query}` },
    { method: "GET", url: `/v4/secrets/B?${query}&version=1` },
    { method: "GET", url: `/coffer/v1/projects/${project}/restore?environment=prod&revision=3` },
    { method: "GET", url: `/coffer/v1/projects/${project}/trash?all=true` },
    {
      method: "POST",
      url: `/coffer/v1/projects/${project}/restore`,
      body: { environment: "prod", revision: 3, expectedRevision: 3 },
    },
    { method: "POST", url: "/v2/secret-imports", body: { ...v4, import: { environment: "dev", path: "/" } } },
    { method: "POST", url: "/v3/secrets/raw/DEV", body: { ...v3, ...content, environment: "dev" } },
    { method: "GET", url: `/v2/secret-imports/secrets?${query}&expandSecretReferences=true` },
    { method: "GET", url: `/v4/secrets/REF/secret-reference-tree?${query}` },
    { method: "GET", url: `/v4/secrets/B/secret-references?${query}` },
    {
      method: "POST",
      url: `/coffer/v1/projects/${project}/search`,
      body: { value: { contains: planted.value }, key: { contains: planted.metadata } },
    },
    {
      method: "POST",
      url: `/coffer/v1/projects/${project}/import`,
      body: { environment: "prod", format: "dotenv", content: `E=${planted.value}` },
    },
    {
      method: "POST",
      url: `/coffer/v1/projects/${project}/import`,
      body: { environment: "prod", format: "dotenv", content: `E=${planted.value}`, preview: true },
    },
    { method: "GET", url: `/coffer/v1/projects/${project}/export?environment=prod&format=json` },
    { method: "GET", url: `/coffer/v1/projects/${project}/archive?recipient=${recipient}` },
    {
      method: "POST",
      url: `/coffer/v1/projects/${project}/secrets/copy`,
      body: { sourceEnvironment: "prod", destinationEnvironment: "dev" },
    },
    { method: "DELETE", url: "/v3/secrets/raw/C", body: v3 },
    { method: "DELETE", url: "/v4/secrets/batch", body: { ...v4, secrets: [{ secretKey: "D" }] } },
    { method: "GET", url: `${auth}/client-secrets` },
    { method: "GET", url: auth },
    { method: "GET", url: `/v1/organization/audit-logs?projectId=${project}&limit=1000` },
    { method: "GET", url: "/v1/organization/audit-logs?limit=1000" },
    { method: "GET", url: "/v1/identities" },
    { method: "GET", url: "/v1/projects" },
  ]
}

const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

/** Requests that are wrong, with a secret where the wrong thing is. */
async function sendBad({ test, adminToken: token }: Instance, project: string): Promise<readonly string[]> {
  const { bad } = planted
  const v3 = { workspaceId: project, environment: "prod" }
  const answers = [
    await test.call("POST", "/v3/secrets/raw/X", { token, body: { ...v3, secretValue: { [bad]: bad } } }),
    await test.call("POST", "/v3/secrets/raw/X", { token, body: { ...v3, secretValue: [bad] } }),
    await test.call("POST", "/v3/secrets/raw/X", { token, body: { ...v3, secretValue: `${bad}\ud800` } }),
    await test.call("POST", "/v3/secrets/raw/X", { token, body: { ...v3, secretValue: bad, tagIds: bad } }),
    await test.call("POST", "/v3/secrets/raw/X", { token, body: { ...v3, secretValue: bad, type: bad } }),
    ...(await Promise.all(
      ["dotenv", "json", "yaml", bad].map((format) =>
        test.call("POST", `/coffer/v1/projects/${project}/import`, {
          token,
          body: { environment: "prod", format, content: `[${bad}` },
        }),
      ),
    )),
    await test.call("POST", "/v1/auth/universal-auth/login", { body: { clientId: bad, clientSecret: bad } }),
    await test.call("POST", "/v1/auth/token/revoke", { body: { accessToken: bad } }),
    await test.call("POST", "/v1/auth/token/renew", { body: { accessToken: bad } }),
    await test.call("POST", "/v1/admin/bootstrap", {
      body: { email: bad, password: bad, organization: "x" },
    }),
    await test.call("GET", "/v1/projects", { token: bad }),
    await test.call("GET", `/v4/secrets?projectId=${project}&environment=prod&viewSecretValue=${bad}`, {
      token,
    }),
  ]
  const { http } = test.app
  const raw = [`{"secretValue": "${bad}"`, `{"secretValue": ${bad}}`, `${"[".repeat(100)}"${bad}"`, bad]
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
  const malformed = await Promise.all(
    raw.map((payload) => http.inject({ method: "POST", url: "/api/v3/secrets/raw/X", headers, payload })),
  )
  const upload = { "content-type": "application/octet-stream", "x-coffer-archive-identity": bad }
  malformed.push(
    await http.inject({
      method: "POST",
      url: "/api/coffer/v1/projects/archive",
      headers: { ...headers, ...upload },
      payload: bad,
    }),
  )
  for (const answer of [...answers.map((one) => one.status), ...malformed.map((one) => one.statusCode)]) {
    expect(answer).toBeGreaterThanOrEqual(400)
    expect(answer).toBeLessThan(500)
  }
  return [...answers.map((one) => one.text), ...malformed.map((one) => one.body)]
}

describeDatabase("sqlite", "canary", (open) => {
  it("no log line, error, audit event or database page contains a secret, a token or a password", async () => {
    const storage = await open()
    const before = new TestApp(storage)
    const setupToken = (await createSetupToken(before.app.features)) ?? ""
    const instance = await anInstance(storage)
    const { test, adminToken: token } = instance
    const { id: project } = await aProject(instance)
    const machine = await aMachine(instance, { project, role: "admin" })
    const answers: string[] = []
    for (const request of requestsOf(project, machine.id)) {
      const answer = await test.call(request.method, request.url, {
        token: machine.token,
        ...(request.body === undefined ? {} : { body: request.body }),
      })
      answers.push(answer.text)
    }
    const path = `/v1/auth/universal-auth/identities/${machine.id}`
    const { clientId, clientSecret } = machine
    await test.call("POST", "/v1/auth/universal-auth/login", {
      body: { clientId: clientSecret, clientSecret: clientId },
    })
    const renewed = await test.ok("POST", "/v1/auth/token/renew", { body: { accessToken: machine.token } })
    const errors = await sendBad(instance, project)
    await test.ok("POST", `${path}/client-secrets/${machine.clientSecretId}/revoke`, { token })
    await test.ok("POST", "/v1/auth/token/revoke", { body: { accessToken: machine.token } })

    // The values did travel: what follows looks for something that was there.
    expect(answers.some((text) => text.includes(planted.value))).toBe(true)
    expect(answers.some((text) => text.includes(planted.metadata))).toBe(true)
    const secrets = [
      ...Object.values(planted),
      setupToken,
      clientSecret,
      machine.token,
      renewed.accessToken,
      instance.adminToken,
      "correct horse battery staple",
    ]
    const pages = databaseBytes(storage)
    const logs = inspect(storage.log.entries, { depth: null, maxStringLength: null, maxArrayLength: null })
    const events = JSON.stringify(await test.auditEvents())
    for (const secret of secrets) {
      const signature = secret.split(".").at(-1) ?? secret
      for (const form of [
        secret,
        signature,
        Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -1),
      ]) {
        expect(pages.includes(form)).toBe(false)
        expect(logs.includes(form)).toBe(false)
        expect(events.includes(form)).toBe(false)
      }
    }
    expect(errors.filter((text) => text.includes(planted.bad))).toEqual([])
  })
})
