/**
 * A Coffer server for a benchmark: the real command in a process of its own with a fresh data folder,
 * set up through its HTTP API as a user would.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort, type Started, startCoffer, startScript, waitUntil } from "./processes.ts"

type Json = Readonly<Record<string, unknown>>

export type CofferServer = {
  readonly url: string
  readonly process: Started
  readonly dataFolder: string
  call(method: string, path: string, body?: Json, token?: string): Promise<Json>
  /** Token of the instance admin identity. */
  readonly adminToken: string
  readonly organizationId: string
  close(): Promise<void>
}

/** Starts `coffer server` on a free loopback port and bootstraps it; of another build when that is named. */
export async function startCofferServer(
  env: Readonly<Record<string, string>> = {},
  build?: string,
): Promise<CofferServer> {
  const dataFolder = await mkdtemp(join(tmpdir(), "coffer-bench-"))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const started = startCoffer(
    ["server"],
    { HOST: "127.0.0.1", PORT: String(port), COFFER_DATA_DIR: dataFolder, ...env },
    build,
  )
  const call = (method: string, path: string, body?: Json, token?: string) =>
    request(url, method, path, body, token)
  try {
    await waitUntil("the server answering", async () => (await fetch(`${url}/api/status`)).ok)
    const setUp = await call("POST", "/api/v1/admin/bootstrap", {
      email: "bench@coffer.test",
      password: crypto.randomUUID(),
      organization: "Bench",
    })
    const identity = setUp["identity"] as { credentials: { token: string } }
    const organization = setUp["organization"] as { id: string }
    return {
      url,
      process: started,
      dataFolder,
      call,
      adminToken: identity.credentials.token,
      organizationId: organization.id,
      close: async () => {
        await started.stop()
        await rm(dataFolder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await started.stop()
    await rm(dataFolder, { recursive: true, force: true })
    throw new Error(`the server did not start:\n${started.output()}`, { cause: error })
  }
}

async function request(
  url: string,
  method: string,
  path: string,
  body?: Json,
  token?: string,
): Promise<Json> {
  const answer = await fetch(url + path, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`)
  return JSON.parse(text) as Json
}

/** Starts the baseline on a free loopback port with the answer of a file. */
export function startBareRoute(answerFile: string): Promise<Peer> {
  return startPeer("bench/bare-route.ts", answerFile)
}

/** The same for the least that keeps the promises. */
export function startSketch(answerFile: string): Promise<Peer> {
  return startPeer("bench/sketch.ts", answerFile)
}

export type Peer = { readonly url: string; readonly pid: number }

async function startPeer(script: string, answerFile: string): Promise<Peer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { pid } = startScript(script, [String(port), answerFile])
  await waitUntil(`${script} answering`, async () => (await fetch(`${url}/ready`)).ok)
  return { url, pid }
}

export type Reader = { readonly clientId: string; readonly clientSecret: string; readonly token: string }

/** A machine identity with universal auth and a role in a project, logged in once. */
export async function createIdentity(server: CofferServer, projectId: string, role: string): Promise<Reader> {
  const { adminToken: token } = server
  const created = await server.call(
    "POST",
    "/api/v1/identities",
    {
      name: "bench",
      organizationId: server.organizationId,
      role: "no-access",
    },
    token,
  )
  const { id } = created["identity"] as { id: string }
  await server.call("POST", `/api/v1/projects/${projectId}/memberships/identities/${id}`, { role }, token)
  const attached = await server.call("POST", `/api/v1/auth/universal-auth/identities/${id}`, {}, token)
  const { clientId } = attached["identityUniversalAuth"] as { clientId: string }
  const made = await server.call(
    "POST",
    `/api/v1/auth/universal-auth/identities/${id}/client-secrets`,
    {},
    token,
  )
  const clientSecret = made["clientSecret"] as string
  const login = await server.call("POST", "/api/v1/auth/universal-auth/login", { clientId, clientSecret })
  return { clientId, clientSecret, token: login["accessToken"] as string }
}

/** A project with the default environments. */
export async function createProject(server: CofferServer, slug: string): Promise<string> {
  const created = await server.call(
    "POST",
    "/api/v1/projects",
    { projectName: slug, slug },
    server.adminToken,
  )
  return (created["project"] as { id: string }).id
}
