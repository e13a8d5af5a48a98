/**
 * The server, and PostgreSQL under it, die at random moments while clients create, change, move, delete, batch and import
 * secrets. Nothing that was acknowledged is lost, nothing is applied twice or by half, versions are dense, the feed has no
 * hole, and the audit log is intact and tells of all that was acknowledged.
 */
import { expect } from "vitest"
import { accepted, subscribeTo } from "../packages/server/src/testing/event-reader.ts"
import type { AwayServer } from "./away-server.ts"
import { auditEventsOf, itSurvivesKills, type Kill, pause } from "./killed-server.ts"
import { aBook, type Book, type State, Writer } from "./killed-writers.ts"

const writers = ["w1", "w2", "w3", "w4"]
const kills = 6

itSurvivesKills({ name: "secrets survive whatever moment a kill comes at", limitMs: 240_000 }, survives)

async function survives(away: AwayServer, kill: Kill): Promise<void> {
  for (const name of [...writers, "moved"]) {
    expect((await away.ask("POST", "/v2/folders", { name, path: "/" })).status).toBe(200)
  }
  const book = aBook()
  const stop = new AbortController()
  const running = Promise.all(writers.map((name) => new Writer(away, book, name).run(stop.signal)))
  // On a slow machine a few kills may find no write under way, and leave few that were acknowledged.
  for (let count = 0; count < kills || book.unanswered === 0 || book.acknowledged <= 50; count += 1) {
    await pause(300 + Math.random() * 900)
    await kill()
  }
  stop.abort()
  await running
  await away.untilBack(() => away.list(), 20_000)
  expect(book.acknowledged).toBeGreaterThan(50)
  expect(book.unanswered).toBeGreaterThan(0)
  await expectStates(away, book)
  await expectFeed(away, book)
  await expectAudit(away, book)
}

/** Each key is what its book allows; what was made together is there together. */
async function expectStates(away: AwayServer, book: Book): Promise<void> {
  const { projectId, environment } = away.place
  const answer = await away.ask(
    "GET",
    `/v4/secrets?projectId=${projectId}&environment=${environment}&recursive=true`,
  )
  type Listed = { id: string; secretKey: string; secretPath: string; secretValue: string; version: number }
  const listed = new Map<string, Listed>(answer.body.secrets.map((one: Listed) => [one.secretKey, one]))
  const stateOf = (key: string): State => {
    const secret = listed.get(key)
    return secret && { path: secret.secretPath, value: secret.secretValue, version: secret.version }
  }
  for (const [key, possible] of book.keys) expect(possible, key).toContainEqual(stateOf(key))
  for (const key of listed.keys()) expect(book.keys.has(key), key).toBe(true)
  for (const keys of book.together) {
    expect(new Set(keys.map((key) => listed.has(key))).size, keys.join()).toBe(1)
  }
  for (const { id, version } of [...listed.values()].slice(0, 40)) {
    const history = await away.ask("GET", `/coffer/v1/projects/${projectId}/history/secrets/${id}`)
    const versions = history.body.versions.map((one: { version: number }) => one.version).sort()
    expect(versions).toEqual(Array.from({ length: version }, (_, index) => index + 1))
  }
}

/** Read from its beginning, the feed tells of every secret that came to be, in rising order. */
async function expectFeed(away: AwayServer, book: Book): Promise<void> {
  const marker = await away.create("LAST_OF_ALL", "x")
  expect(marker.status).toBe(200)
  const opened = accepted(
    await subscribeTo({
      url: `${away.server.url}/api/v1/events/subscribe/project-events`,
      token: away.token,
      body: { projectId: away.place.projectId, register: [{ event: "secret:create" }] },
      lastEventId: "0",
    }),
  )
  const keysOf = () =>
    opened.events.flatMap(({ data }) => data.data.payload.map((one: { secretKey: string }) => one.secretKey))
  await opened.until(() => keysOf().includes("LAST_OF_ALL"), "the last event")
  opened.close()
  const told = keysOf()
  const revisions = opened.events.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]))
  expect(revisions).toEqual([...revisions].sort((left, right) => left - right))
  const certain = [...book.keys].flatMap(([key, possible]) =>
    possible.every((state) => state !== undefined) ? [key] : [],
  )
  expect(certain.filter((key) => !told.includes(key))).toEqual([])
}

/** Intact, and with an event for all that was answered with a yes. */
async function expectAudit(away: AwayServer, book: Book): Promise<void> {
  expect(await away.verifyAudit()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("intact") })
  const seen = new Map<string, string[]>()
  const types = "create-secret,update-secret,get-secret,delete-secret"
  for (const { type, metadata } of await auditEventsOf(away, away.place.projectId, types)) {
    seen.set(metadata.secretKey, [...(seen.get(metadata.secretKey) ?? []), type])
  }
  for (const [key, events] of book.audited) {
    expect(seen.get(key) ?? [], key).toEqual(expect.arrayContaining(events))
  }
}
