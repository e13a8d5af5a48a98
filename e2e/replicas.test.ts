/**
 * Two server processes on one PostgreSQL. What one has acknowledged binds the other at once: a revoked right and a
 * replaced value are never served again, however warm the other's memory is.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type CofferClient, createClient, type FolderPlace, isApiError } from "@coffer/client"
import { describeWithPostgres } from "@coffer/testkit"
import { afterAll, beforeAll, expect, it } from "vitest"
import { readStoredLogin } from "../apps/coffer/src/credentials-file.ts"
import { ChildProcesses, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"

const KEY = "SHARED"
const ROUNDS = 25
const READERS = 4

describeWithPostgres("two servers on one database", (postgres) => {
  let folder: string
  let processes: ChildProcesses
  let servers: readonly [RestartableServer, RestartableServer]
  let admins: readonly [CofferClient, CofferClient]
  let place: FolderPlace
  let organizationId: string
  let adminToken: string
  let settings: Readonly<Record<string, string>>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-replicas-"))
    processes = new ChildProcesses()
    settings = {
      DB_CONNECTION_URI: await postgres().createDatabase(),
      ROOT_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
    }
    const first = await startServer(processes, join(folder, "first"), settings)
    const bootstrap = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]
    const done = await runCoffer([...bootstrap, "--password-file", "-"], first.env, {
      stdin: "replicas-password",
    })
    expect(done).toMatchObject({ exitCode: 0 })
    const second = await startServer(processes, join(folder, "second"), settings)
    servers = [first, second]
    const login = await readStoredLogin(`${first.env["XDG_CONFIG_HOME"]}/coffer/credentials.json`)
    const token = login!.token.reveal()
    adminToken = token
    admins = [
      createClient({ baseUrl: first.url, token, timeoutMs: 10_000 }),
      createClient({ baseUrl: second.url, token, timeoutMs: 10_000 }),
    ]
    const project = await admins[0].projects.create({ projectName: "Shared" })
    organizationId = project.orgId
    place = { projectId: project.id, environment: "prod", secretPath: "/" }
    await admins[0].secrets.create(place, KEY, { secretValue: "value-0" })
  }, 120_000)

  afterAll(async () => {
    await processes?.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  it("the other never again serves a value after its replacement was acknowledged", async () => {
    const stop = new AbortController()
    let acknowledged = 0
    const stale: string[] = []
    const seen = new Set<string>()
    const readers = Array.from({ length: READERS }, async () => {
      while (!stop.signal.aborted) {
        const atLeast = acknowledged
        const { secretValue } = await admins[1].secrets.get(place, KEY)
        seen.add(secretValue)
        if (Number(secretValue.slice("value-".length)) < atLeast)
          stale.push(`${secretValue} after ${atLeast}`)
      }
    })
    // Goes on until the readers met several values, however slow they are beside the writer.
    while (acknowledged < ROUNDS || (seen.size < 5 && acknowledged < 500)) {
      await admins[0].secrets.update(place, KEY, { secretValue: `value-${acknowledged + 1}` })
      acknowledged += 1
    }
    const { secretValue } = await admins[1].secrets.get(place, KEY)
    stop.abort()
    await Promise.all(readers)
    expect(secretValue).toBe(`value-${acknowledged}`)
    expect(stale).toEqual([])
    expect(seen.size).toBeGreaterThanOrEqual(5)
  })

  it.for([
    { right: "a membership", revoke: "membership" as Revocation, status: 403 },
    { right: "a token", revoke: "token" as Revocation, status: 401 },
    { right: "a client secret", revoke: "client-secret" as Revocation, status: 401 },
    { right: "an identity", revoke: "identity" as Revocation, status: 401 },
  ])("the other never again honours $right after its end was acknowledged", async ({ revoke, status }) => {
    const reader = await newReader()
    const other = createClient({ baseUrl: servers[1].url, token: reader.token, timeoutMs: 10_000 })
    await other.secrets.get(place, KEY)
    let isRevoked = false
    const servedAfterwards: string[] = []
    const refusals: unknown[] = []
    const readers = Array.from({ length: READERS }, async () => {
      for (let after = 0; after < 5; ) {
        const wasRevoked = isRevoked
        if (wasRevoked) after += 1
        try {
          const { secretValue } = await other.secrets.get(place, KEY)
          if (wasRevoked) servedAfterwards.push(secretValue)
        } catch (error) {
          refusals.push(isApiError(error) ? error.status : error)
        }
      }
    })
    await revokeAtFirst(revoke, reader)
    isRevoked = true
    await Promise.all(readers)
    expect(servedAfterwards).toEqual([])
    expect(new Set(refusals)).toEqual(new Set([status]))
    expect(refusals.length).toBeGreaterThanOrEqual(READERS * 5)
  })

  it("each wrote an audit log of its own, and both are intact", async () => {
    const verified = await runCoffer(["audit", "verify", "--output", "json"], {
      ...servers[0].env,
      ...settings,
    })
    expect(verified).toMatchObject({ exitCode: 0 })
    expect(JSON.parse(verified.stdout).logs.length).toBeGreaterThanOrEqual(2)
  })

  /** An identity of its own that may read the project, logged in with a client secret. */
  async function newReader(): Promise<Reader> {
    const [admin] = admins
    const { id } = await admin.identities.create({ name: "reader", organizationId, role: "no-access" })
    await admin.memberships.addIdentity(place.projectId, id, "viewer")
    const { clientId } = await admin.universalAuth.attach(id)
    const made = await admin.universalAuth.createClientSecret(id)
    const { accessToken } = await admin.auth.universalLogin({ clientId, clientSecret: made.clientSecret })
    return { id, clientSecretId: made.clientSecretData.id, token: accessToken }
  }

  async function revokeAtFirst(what: Revocation, reader: Reader): Promise<void> {
    const { id, clientSecretId } = reader
    const calls: Record<Revocation, readonly [string, string, object?]> = {
      membership: ["DELETE", `/v1/projects/${place.projectId}/memberships/identities/${id}`],
      token: ["POST", "/v1/auth/token/revoke", { accessToken: reader.token }],
      "client-secret": [
        "POST",
        `/v1/auth/universal-auth/identities/${id}/client-secrets/${clientSecretId}/revoke`,
      ],
      identity: ["DELETE", `/v1/identities/${id}`],
    }
    const [method, path, body] = calls[what]
    const answer = await fetch(`${servers[0].url}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: JSON.stringify(body ?? {}),
    })
    expect(answer.status).toBe(200)
  }
})

type Revocation = "membership" | "token" | "client-secret" | "identity"
type Reader = { readonly id: string; readonly clientSecretId: string; readonly token: string }
