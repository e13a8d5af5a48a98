/**
 * Two server processes on one PostgreSQL: what is written through one arrives on the event streams of the other, who may
 * listen no more is not told more there, and who goes from one to the other misses nothing.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describeWithPostgres } from "@coffer/testkit"
import { afterAll, afterEach, beforeAll, expect, it } from "vitest"
import { ChildProcesses } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"
import { EventReader, type ReadEvent, subscribeTo } from "../packages/server/src/testing/event-reader.ts"
import { AwayServer } from "./away-server.ts"

const names = ["secret:create", "secret:update", "secret:delete", "secret:import-mutation"]
/** A server asks the database each second whether everyone who listens still may. */
const endsWithinMs = 10_000

type Reader = { readonly id: string; readonly token: string; readonly clientSecretId: string }
type Ending = {
  readonly what: string
  readonly path: (of: Reader & { readonly projectId: string }) => string
  readonly method: string
  readonly body?: (of: Reader) => object
  /** Of the next try to listen. */
  readonly refusal: number
}

const endings: readonly Ending[] = [
  {
    what: "another role",
    method: "PATCH",
    path: ({ projectId, id }) => `/v1/projects/${projectId}/memberships/identities/${id}`,
    body: () => ({ roles: [{ role: "no-access" }] }),
    refusal: 403,
  },
  {
    what: "the end of a membership",
    method: "DELETE",
    path: ({ projectId, id }) => `/v1/projects/${projectId}/memberships/identities/${id}`,
    refusal: 403,
  },
  {
    what: "the revocation of its token",
    method: "POST",
    path: () => "/v1/auth/token/revoke",
    body: ({ token }) => ({ accessToken: token }),
    refusal: 401,
  },
  {
    what: "the revocation of its client secret",
    method: "POST",
    path: ({ id, clientSecretId }) =>
      `/v1/auth/universal-auth/identities/${id}/client-secrets/${clientSecretId}/revoke`,
    refusal: 401,
  },
  {
    what: "the deletion of its identity",
    method: "DELETE",
    path: ({ id }) => `/v1/identities/${id}`,
    refusal: 401,
  },
]

describeWithPostgres("event streams of a second server", (postgres) => {
  let folder: string
  let processes: ChildProcesses
  let away: AwayServer
  let second: RestartableServer
  const readers: EventReader[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-replica-streams-"))
    processes = new ChildProcesses()
    const settings = {
      DB_CONNECTION_URI: await postgres().createDatabase(),
      ROOT_ENCRYPTION_KEY: Buffer.alloc(32, 3).toString("base64"),
    }
    away = await AwayServer.start(processes, join(folder, "first"), settings)
    second = await startServer(processes, join(folder, "second"), settings)
  }, 120_000)
  afterEach(() => {
    for (const reader of readers.splice(0)) reader.close()
  })
  afterAll(async () => {
    await processes?.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  it("what is written through one server arrives on the streams of both, in order", async () => {
    const [here, there] = [await listen(away.server.url), await listen(second.url)]
    const { id } = await must("POST", "/v4/secrets/ORDERED", { secretValue: "one" }).then(
      (body) => body.secret,
    )
    await must("PATCH", "/v4/secrets/ORDERED", { secretValue: "two" })
    await must("PATCH", "/v4/secrets/ORDERED", { newSecretName: "RENAMED" })
    await must("POST", "/v2/folders", { name: "elsewhere", path: "/" })
    const { environment } = away.place
    await must("POST", "/v4/secrets/move", {
      sourceEnvironment: environment,
      sourceSecretPath: "/",
      destinationEnvironment: environment,
      destinationSecretPath: "/elsewhere",
      secretIds: [id],
    })
    await must("DELETE", "/v4/secrets/RENAMED", { secretPath: "/elsewhere" })
    const isLast = ({ event, data }: ReadEvent) =>
      event === "secret:delete" && data.data.payload[0].secretPath === "/elsewhere"
    for (const reader of [here, there]) await reader.until(() => reader.events.some(isLast), "the deletion")
    expect(there.events).toEqual(here.events)
    const told = there.events.map(({ event, data }) => [event, placesOf(data)])
    expect(told).toEqual(
      expect.arrayContaining([
        ["secret:create", ["/ORDERED"]],
        ["secret:update", ["/ORDERED"]],
        ["secret:create", ["/elsewhere/RENAMED"]],
        ["secret:delete", ["/elsewhere/RENAMED"]],
      ]),
    )
  })

  for (const ending of endings) {
    it(`a stream of one ends with ${ending.what} through the other, and tells nothing of what comes after`, async () => {
      const reader = await aReader()
      const stream = await listen(second.url, reader.token)
      const before = `BEFORE_${reader.id.slice(0, 8)}`
      await must("POST", `/v4/secrets/${before}`, { secretValue: "x" })
      await stream.until(() => stream.raw.includes(before), "what was written before")
      const { projectId } = away.place
      await must(ending.method, ending.path({ ...reader, projectId }), ending.body?.(reader) ?? {})
      await expect.poll(() => stream.response.closed, { timeout: endsWithinMs }).toBe(true)
      const after = `AFTER_${reader.id.slice(0, 8)}`
      await must("POST", `/v4/secrets/${after}`, { secretValue: "x" })
      expect(await tryToListen(second.url, { token: reader.token })).toMatchObject({ status: ending.refusal })
      expect(stream.raw).not.toContain(after)
    }, 60_000)
  }

  it("who goes on at the other server, again and again, misses nothing and is told nothing twice", async () => {
    const servers = [away.server.url, second.url]
    let stream = await listen(servers[0] ?? "")
    const stop = new AbortController()
    const written: string[] = []
    const writing = Promise.all(
      servers.map(async (url, server) => {
        for (let count = 0; !stop.signal.aborted; count += 1) {
          const key = `RESUMED_${server}_${count}`
          await create(url, key)
          written.push(key)
        }
      }),
    )
    const told: ReadEvent[] = []
    for (let turn = 1; turn <= 6; turn += 1) {
      await stream.until(() => stream.events.length >= 5, "some events")
      stream.close()
      told.push(...stream.events)
      const lastEventId = told.at(-1)?.id
      expect(lastEventId).toBeDefined()
      stream = await listen(servers[turn % 2] ?? "", away.token, lastEventId)
    }
    stop.abort()
    await writing
    const keysOf = (events: readonly ReadEvent[]) =>
      events.flatMap(({ data }) => placesOf(data).map((place) => place.slice(1)))
    const isAllThere = () => written.every((key) => keysOf([...told, ...stream.events]).includes(key))
    await stream.until(isAllThere, "everything that was written")
    told.push(...stream.events)
    expect(written.length).toBeGreaterThanOrEqual(30)
    expect(keysOf(told).toSorted()).toEqual(written.toSorted())
    const revisions = told.map(({ id }) => Number(id))
    expect(revisions).toEqual(revisions.toSorted((left, right) => left - right))
    expect(told.every(({ event }) => event === "secret:create")).toBe(true)
  }, 60_000)

  async function listen(url: string, token = away.token, lastEventId?: string): Promise<EventReader> {
    const opened = await tryToListen(url, { token, lastEventId })
    if (!(opened instanceof EventReader)) throw new Error(`refused: ${JSON.stringify(opened)}`)
    await opened.until(() => opened.pings.length + opened.events.length > 0, "the first event")
    return opened
  }

  async function tryToListen(url: string, of: { token: string; lastEventId?: string | undefined }) {
    const opened = await subscribeTo({
      url: `${url}/api/v1/events/subscribe/project-events`,
      body: { projectId: away.place.projectId, register: names.map((event) => ({ event })) },
      ...of,
    })
    if (opened instanceof EventReader) readers.push(opened)
    return opened
  }

  async function must(method: string, path: string, body: object) {
    const answer = await away.ask(method, path, body)
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async function create(url: string, key: string): Promise<void> {
    const answer = await fetch(`${url}/api/v4/secrets/${key}`, {
      method: "POST",
      headers: { authorization: `Bearer ${away.token}`, "content-type": "application/json" },
      body: JSON.stringify({ ...away.place, secretValue: "x" }),
      signal: AbortSignal.timeout(30_000),
    })
    if (answer.status !== 200) throw new Error(`${key}: ${answer.status} ${await answer.text()}`)
  }

  async function aReader(): Promise<Reader> {
    const { client, place } = away
    const { project } = (await away.ask("GET", `/v1/projects/${place.projectId}`)).body
    const identity = { name: "reader", organizationId: project.orgId, role: "no-access" }
    const { id } = await client.identities.create(identity)
    await client.memberships.addIdentity(place.projectId, id, "viewer")
    const { clientId } = await client.universalAuth.attach(id)
    const { clientSecret, clientSecretData } = await client.universalAuth.createClientSecret(id)
    const { accessToken: token } = await client.auth.universalLogin({ clientId, clientSecret })
    return { id, token, clientSecretId: clientSecretData.id }
  }
})

/** Paths of what an event tells of. */
function placesOf(data: {
  readonly data: { readonly payload: readonly { secretPath: string; secretKey: string }[] }
}): readonly string[] {
  return data.data.payload.map(({ secretPath, secretKey }) => `${secretPath}/${secretKey}`.replace("//", "/"))
}
