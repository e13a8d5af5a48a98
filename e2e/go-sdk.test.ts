/**
 * The Go SDK of Infisical, unmodified, against a real server on either database. The program in `go-sdk/` is built with
 * the Go toolchain of this machine; the External Secrets Operator and the Infisical operator stand on the same SDK.
 */
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { createClient } from "@coffer/client"
import { describeWithPostgres, describeWithTools, programOnPath } from "@coffer/testkit"
import { afterAll, beforeAll, expect, it } from "vitest"
import { readStoredLogin } from "../apps/coffer/src/credentials-file.ts"
import { ChildProcesses, type Environment, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { startServer } from "../apps/coffer/src/demo/restartable.ts"

const run = promisify(execFile)
const go = programOnPath("go", "install Go 1.26 or newer")
const source = fileURLToPath(new URL("./go-sdk/", import.meta.url))
const buildTimeoutMs = 900_000

describeWithTools([go], "the Go SDK, unmodified", () => {
  let folder: string
  let processes: ChildProcesses

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-go-sdk-"))
    processes = new ChildProcesses()
    await run(go.find() ?? "", ["-C", source, "build", "-trimpath", "-o", join(folder, "program")], {
      timeout: buildTimeoutMs,
    })
  }, buildTimeoutMs)
  afterAll(async () => {
    await processes?.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  it("does all that it can on SQLite", async () => {
    await expectEverything({ processes, folder: join(folder, "sqlite"), program: join(folder, "program") })
  }, 120_000)

  describeWithPostgres("with PostgreSQL", (postgres) => {
    it("does all that it can on PostgreSQL", async () => {
      const settings = {
        DB_CONNECTION_URI: await postgres().createDatabase(),
        ROOT_ENCRYPTION_KEY: Buffer.alloc(32, 5).toString("base64"),
      }
      const place = { processes, folder: join(folder, "postgres"), program: join(folder, "program") }
      await expectEverything({ ...place, settings })
    }, 120_000)
  })
})

type Place = {
  readonly processes: ChildProcesses
  readonly folder: string
  readonly program: string
  readonly settings?: Environment
}

async function expectEverything({ processes, folder, program, settings }: Place): Promise<void> {
  const server = await startServer(processes, folder, settings)
  const bootstrap = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]
  const done = await runCoffer([...bootstrap, "--password-file", "-"], server.env, {
    stdin: "go-sdk-password",
  })
  expect(done).toMatchObject({ exitCode: 0 })
  const login = await readStoredLogin(`${server.env["XDG_CONFIG_HOME"]}/coffer/credentials.json`)
  const admin = createClient({ baseUrl: server.url, token: login?.token.reveal() ?? "", timeoutMs: 10_000 })
  const project = await admin.projects.create({ projectName: "Billing API" })
  const { id } = await admin.identities.create({
    name: "go",
    organizationId: project.orgId,
    role: "no-access",
  })
  await admin.memberships.addIdentity(project.id, id, "admin")
  const settingsOfMethod = { accessTokenTTL: 6, accessTokenMaxTTL: 9 }
  const { clientId } = await admin.universalAuth.attach(id, settingsOfMethod)
  const { clientSecret } = await admin.universalAuth.createClientSecret(id)
  await importFromApi(server.url, login?.token.reveal() ?? "", project.id)

  const { stdout } = await run(program, {
    env: {
      SITE_URL: server.url,
      CLIENT_ID: clientId,
      CLIENT_SECRET: clientSecret,
      PROJECT_ID: project.id,
      PROJECT_SLUG: project.slug,
    },
    timeout: 60_000,
  })

  expectObservations(JSON.parse(stdout), project.id)
}

/** `/importing` imports `/api`, which the program makes and fills. */
async function importFromApi(url: string, token: string, projectId: string): Promise<void> {
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${url}/api${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ projectId, environment: "prod", ...body }),
    })
    expect(answer.status, path).toBe(200)
  }
  await post("/v2/folders", { name: "importing", path: "/" })
  await post("/v2/folders", { name: "base", path: "/" })
  await post("/v2/secret-imports", { path: "/importing", import: { environment: "prod", path: "/base" } })
  await post("/v4/secrets/SHARED", { secretPath: "/base", secretValue: "from the base" })
  await post("/v4/secrets/OWN", { secretPath: "/importing", secretValue: "<${SHARED}>" })
}

// biome-ignore lint/suspicious/noExplicitAny: what the program printed, judged field by field
function expectObservations(seen: any, projectId: string): void {
  expect(seen.login).toMatchObject({ expiresIn: 6, accessTokenMaxTTL: 9, tokenType: "Bearer" })
  const { made, renamed, listed } = seen.folders
  expect(renamed).toMatchObject({ id: made.id, name: "api" })
  expect(Date.parse(made.createdAt)).toBeGreaterThan(Date.parse("2020-01-01"))
  expect(listed.map((one: { name: string }) => one.name)).toEqual(["api", "base", "importing"])

  const { created, updated, batch, retrieved, deleted } = seen.secrets
  expect(created).toMatchObject({ workspace: projectId, version: 1, secretValue: "", secretComment: "odd" })
  expect(updated).toMatchObject({ id: created.id, version: 2, secretValue: "line 1\nline 2\n" })
  expect(batch).toMatchObject([
    { secretKey: "HOST" },
    { secretKey: "URL", secretMetadata: [{ key: "owner", value: "payments" }] },
  ])
  expect(retrieved).toMatchObject({ secretValue: "postgres://db.internal/x", secretPath: "/api" })
  expect(deleted.id).toBe(created.id)

  const values = (secrets: readonly { secretKey: string; secretValue: string }[]) =>
    secrets.map((one) => [one.secretKey, one.secretValue])
  expect(values(seen.lists.listed.Secrets)).toEqual([
    ["OWN", "<from the base>"],
    ["SHARED", "from the base"],
  ])
  expect(seen.lists.listed.ETag).toMatch(/^"/)
  expect(seen.lists.unchanged).toBe(true)
  expect(values(seen.lists.recursive).map(([key]) => key)).toEqual(["HOST", "OWN", "SHARED", "URL"])

  const reqId = expect.stringMatching(/^req-[A-Za-z0-9]{14}$/)
  expect(seen.refusals).toEqual({
    missing: { status: 404, message: "Secret with name 'NOPE' not found", reqId },
    taken: { status: 400, message: "Secret already exist", reqId },
    badLogin: { status: 401, message: "Invalid credentials", reqId },
    wrongEnvironment: {
      status: 404,
      message: `Environment with slug 'nowhere' in project with ID ${projectId} not found`,
      reqId,
    },
    outOfScope: { status: 404, message: expect.any(String), reqId },
  })
  expect(seen.renewal.tokens).toBeGreaterThanOrEqual(3)
  expect(seen.renewal.revoked).toBe(true)
}
