/**
 * Two server processes on one PostgreSQL: what is written through one arrives on the event streams of the other, who may
 * listen no more is not told more there, and who goes from one to the other misses nothing.
 */
import { afterEach, beforeAll, expect, it } from "vitest"
import type { RestartableServer } from "../apps/coffer/src/demo/restartable.ts"
import {
  accepted,
  EventReader,
  type ReadEvent,
  subscribeTo,
} from "../packages/server/src/testing/event-reader.ts"
import type { AwayServer } from "./away-server.ts"
import { aReader, describeWithTwoServers, type Reader } from "./two-servers.ts"

const names = ["secret:create", "secret:update", "secret:delete", "secret:import-mutation"]
/** A server asks the database each second whether everyone who listens still may. */
const endsWithinMs = 10_000

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

describeWithTwoServers("event streams of a second server", (servers) => {
  let away: AwayServer
  let second: RestartableServer
  const readers: EventReader[] = []
  beforeAll(() => {
    ;({ first: away, second } = servers())
  })
  afterEach(() => {
    for (const reader of readers.splice(0)) reader.close()
  })

  it("what is written through one server arrives on the streams of both, in order", async () => {
    const [here, there] = [await listen(away.server.url), await listen(second.url)]
    const { id } = await away
      .must("POST", "/v4/secrets/ORDERED", { secretValue: "one" })
      .then((body) => body.secret)
    await away.must("PATCH", "/v4/secrets/ORDERED", { secretValue: "two" })
    await away.must("PATCH", "/v4/secrets/ORDERED", { newSecretName: "RENAMED" })
    await away.must("POST", "/v2/folders", { name: "elsewhere", path: "/" })
    const { environment } = away.place
    await away.must("POST", "/v4/secrets/move", {
      sourceEnvironment: environment,
      sourceSecretPath: "/",
      destinationEnvironment: environment,
      destinationSecretPath: "/elsewhere",
      secretIds: [id],
    })
    await away.must("DELETE", "/v4/secrets/RENAMED", { secretPath: "/elsewhere" })
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
      const reader = await aReader(away)
      const stream = await listen(second.url, reader.token)
      const before = `BEFORE_${reader.id.slice(0, 8)}`
      await away.must("POST", `/v4/secrets/${before}`, { secretValue: "x" })
      await stream.until(() => stream.raw.includes(before), "what was written before")
      const { projectId } = away.place
      await away.must(ending.method, ending.path({ ...reader, projectId }), ending.body?.(reader) ?? {})
      await expect.poll(() => stream.response.closed, { timeout: endsWithinMs }).toBe(true)
      const after = `AFTER_${reader.id.slice(0, 8)}`
      await away.must("POST", `/v4/secrets/${after}`, { secretValue: "x" })
      expect(await tryToListen(second.url, { token: reader.token })).toMatchObject({ status: ending.refusal })
      expect(stream.raw).not.toContain(after)
    })
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
  })

  async function listen(url: string, token = away.token, lastEventId?: string): Promise<EventReader> {
    const opened = accepted(await tryToListen(url, { token, lastEventId }))
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

  async function create(url: string, key: string): Promise<void> {
    const answer = await fetch(`${url}/api/v4/secrets/${key}`, {
      method: "POST",
      headers: { authorization: `Bearer ${away.token}`, "content-type": "application/json" },
      body: JSON.stringify({ ...away.place, secretValue: "x" }),
      signal: AbortSignal.timeout(30_000),
    })
    if (answer.status !== 200) throw new Error(`${key}: ${answer.status} ${await answer.text()}`)
  }
})

/** Paths of what an event tells of. */
function placesOf(data: {
  readonly data: { readonly payload: readonly { secretPath: string; secretKey: string }[] }
}): readonly string[] {
  return data.data.payload.map(({ secretPath, secretKey }) => `${secretPath}/${secretKey}`.replace("//", "/"))
}
