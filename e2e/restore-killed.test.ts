/**
 * The server, and PostgreSQL under it, die in the middle of restores of an environment, while others write to the same
 * project and to another one. After the next start a restore was made as its preview said, or nothing of it was.
 */
import pg from "pg"
import { expect } from "vitest"
import type { Answered, AwayServer } from "./away-server.ts"
import { auditEventsOf, itSurvivesKills, type Kill, pause } from "./killed-server.ts"
import { aBook, Writer } from "./killed-writers.ts"

const kills = 8
const writers = ["w1", "w2"]
const secretsPerFolder = 60

type Item = { readonly kind: string; readonly change: string; readonly id: string; readonly name: string }
type Preview = { readonly revision: number; readonly items: readonly Item[] }
type Named = { readonly revision: number; readonly state: readonly string[] }

itSurvivesKills(
  { name: "a restore whose server is killed is made whole or not at all", limitMs: 600_000 },
  async (away, kill) => {
    for (const name of [...writers, "moved"]) {
      expect((await away.ask("POST", "/v2/folders", { name, path: "/" })).status).toBe(200)
    }
    const { id } = await away.client.projects.create({ projectName: "Restored" })
    const restored = new RestoredEnvironment(away, id)
    const [first, second] = [await restored.fill(), await restored.change()]
    const stop = new AbortController()
    const book = aBook()
    const load = [
      ...writers.map((name) => new Writer(away, book, name).run(stop.signal)),
      restored.writeBeside(stop.signal),
    ]
    const states = await killInRestores(restored, { first, second }, kill)
    stop.abort()
    await Promise.all(load)
    const database = away.settings["DB_CONNECTION_URI"]
    if (database !== undefined) await killBetweenSteps(away, restored, { database, ...states })
    expect(book.acknowledged).toBeGreaterThan(20)
    await restored.expectWhatWasWrittenBeside()
    expect(await away.verifyAudit()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("intact") })
  },
)

/** Restores one state, then the other, and so on; each time but the first two a kill comes somewhere in it. */
async function killInRestores(
  restored: RestoredEnvironment,
  { first, second }: { readonly first: Named; readonly second: Named },
  kill: Kill,
): Promise<{ readonly current: Named; readonly other: Named }> {
  const made: number[] = []
  /** How long each restore took that was answered. */
  const tookMs: number[] = []
  let unanswered = 0
  /** The part of a restore in which a kill may come: less of it where kills come too late, as on a machine that is busy. */
  let reach = 1.2
  let current = second
  for (let round = 0; unanswered < kills; round += 1) {
    expect(round, "restores that were killed before they were answered").toBeLessThan(4 * kills)
    const target = current === first ? second : first
    const preview = await restored.preview(target.revision)
    expect(preview.items.length).toBeGreaterThan(secretsPerFolder)
    const sent = restored.restore(target.revision, preview.revision).catch(() => undefined)
    const isToBeKilled = tookMs.length >= 2
    if (isToBeKilled) {
      // The machine may be busier or less so than it was at first.
      await pause(Math.random() * reach * Math.min(...tookMs.slice(-2)))
      await kill()
    }
    const answer = await sent
    const isUnanswered = answer === undefined || answer.status === 503
    if (answer?.status === 200) tookMs.push(answer.tookMs)
    if (isToBeKilled) reach = isUnanswered ? Math.min(1.2, reach * 1.2) : reach * 0.7
    if (isUnanswered) unanswered += 1
    else expect([200, 409], JSON.stringify(answer.body)).toContain(answer.status)

    const after = await restored.preview(target.revision)
    const isMade = after.items.length === 0
    if (answer?.status === 200) expect(isMade, "a restore that was answered").toBe(true)
    if (answer?.status === 409) expect(isMade, "a restore that was refused").toBe(false)
    if (!isMade) expect(after.items.toSorted(byId)).toEqual(preview.items.toSorted(byId))
    if (isMade) made.push(preview.revision + 1)
    current = isMade ? target : current
    expect(await restored.state()).toEqual(current.state)
    expect(after.revision).toBeGreaterThanOrEqual(preview.revision + (isMade ? 1 : 0))
  }
  expect(await restored.auditedRestores()).toEqual(made)
  return { current, other: current === first ? second : first }
}

/** Tables that a restore writes to, in the order in which it does. */
const steps = ["secret", "secret_version", "change"]

/** Holds a restore up at one of its steps, so that the kill is certain to come between what it has written. */
async function killBetweenSteps(
  away: AwayServer,
  restored: RestoredEnvironment,
  { database, current, other }: { readonly database: string; readonly current: Named; readonly other: Named },
): Promise<void> {
  for (const table of steps) {
    const preview = await restored.preview(other.revision)
    const holder = new pg.Client({ connectionString: database })
    await holder.connect()
    await holder.query(`begin; lock table ${table} in share mode`)
    const sent = restored.restore(other.revision, preview.revision).catch(() => undefined)
    const waiting = `select 1 from pg_locks where not granted and relation = '${table}'::regclass`
    await expect.poll(async () => (await holder.query(waiting)).rowCount, { timeout: 20_000 }).toBe(1)
    await away.server.process().kill()
    await holder.end()
    expect(await sent).toBeUndefined()
    await away.server.start()
    expect((await restored.preview(other.revision)).items.toSorted(byId)).toEqual(
      preview.items.toSorted(byId),
    )
    expect(await restored.state(), `killed before it wrote to ${table}`).toEqual(current.state)
  }
}

function byId(left: Item, right: Item): number {
  return `${left.kind} ${left.id}` < `${right.kind} ${right.id}` ? -1 : 1
}

class RestoredEnvironment {
  readonly #away: AwayServer
  readonly #projectId: string
  #beside = { acknowledged: "", sent: "" }
  #previewMs = 0

  constructor(away: AwayServer, projectId: string) {
    this.#away = away
    this.#projectId = projectId
  }

  /** Two folders full of secrets, and some above them. */
  async fill(): Promise<Named> {
    for (const name of ["kept", "gone"]) await this.#folder("POST", name)
    for (const path of ["/", "/kept", "/gone"]) await this.#import(path, "first")
    return await this.#named()
  }

  /** Nothing is as it was: values, names, places, folders. */
  async change(): Promise<Named> {
    await this.#must("DELETE", "/v1/folders/gone", { workspaceId: this.#projectId, path: "/" })
    await this.#folder("POST", "new")
    await this.#import("/new", "second")
    await this.#import("/kept", "second")
    await this.#must("PATCH", "/v4/secrets/K_1", { newSecretName: "RENAMED" })
    await this.#must("DELETE", "/v4/secrets/K_2", {})
    return await this.#named()
  }

  async #named(): Promise<Named> {
    const now = new Date(Date.now() + 1_000).toISOString()
    const { revision } = await this.#preview(`time=${now}`)
    return { revision, state: await this.state() }
  }

  preview(revision: number): Promise<Preview> {
    return this.#preview(`revision=${revision}`)
  }

  async #preview(to: string): Promise<Preview> {
    const path = `/coffer/v1/projects/${this.#projectId}/restore?environment=prod&path=/&${to}`
    const startedMs = performance.now()
    const { restore } = await this.#read(path)
    this.#previewMs = performance.now() - startedMs
    return restore
  }

  restore(revision: number, expectedRevision: number): Promise<Answered> {
    const path = `/coffer/v1/projects/${this.#projectId}/restore`
    return this.#away.ask("POST", path, { environment: "prod", path: "/", revision, expectedRevision })
  }

  /** Everything of the environment: what it is, where, and what it says. */
  async state(): Promise<readonly string[]> {
    const place = `projectId=${this.#projectId}&environment=prod`
    const { secrets } = await this.#read(`/v4/secrets?${place}&recursive=true`)
    const { folders } = await this.#read(`/v2/folders?${place}&path=/&recursive=true`)
    type Secret = { id: string; secretPath: string; secretKey: string; secretValue: string }
    return [
      ...secrets.map((one: Secret) => `${one.secretPath} ${one.secretKey} ${one.id} ${one.secretValue}`),
      ...folders.map((one: { id: string; name: string }) => `folder ${one.name} ${one.id}`),
    ].sort()
  }

  /** Writes to another environment of the project: some restores are outdated when they come. */
  async writeBeside(signal: AbortSignal): Promise<void> {
    await this.#must("POST", "/v4/secrets/BESIDE", { environment: "dev", secretValue: "0" })
    this.#beside = { acknowledged: "0", sent: "0" }
    for (let count = 1; !signal.aborted; count += 1) {
      const secretValue = String(count)
      this.#beside.sent = secretValue
      const body = { projectId: this.#projectId, environment: "dev", secretValue }
      const answer = await this.#away.ask("PATCH", "/v4/secrets/BESIDE", body).catch(() => undefined)
      if (answer?.status === 200) this.#beside.acknowledged = secretValue
      // Time for some restores, also on a machine that takes long for each.
      await pause(Math.max(300, 8 * this.#previewMs))
    }
  }

  async expectWhatWasWrittenBeside(): Promise<void> {
    const { secret } = await this.#read(
      `/v4/secrets/BESIDE?projectId=${this.#projectId}&environment=dev&secretPath=/`,
    )
    expect(Number(secret.secretValue)).toBeGreaterThanOrEqual(Number(this.#beside.acknowledged))
    expect(Number(secret.secretValue)).toBeLessThanOrEqual(Number(this.#beside.sent))
  }

  /** The revisions that restores made, as the audit log says, in rising order. */
  async auditedRestores(): Promise<readonly number[]> {
    const events = await auditEventsOf(this.#away, this.#projectId, "restore")
    return events
      .map((event) => Number(event.metadata.revision))
      .sort((left: number, right: number) => left - right)
  }

  async #read(path: string) {
    const answer = await this.#away.untilBack(() => this.#away.ask("GET", path), 20_000)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body
  }

  #folder(method: string, name: string) {
    return this.#must(method, "/v2/folders", { name, path: "/" })
  }

  async #import(secretPath: string, value: string) {
    const keys = Array.from({ length: secretsPerFolder }, (_, index) => [`K_${index}`, `${value} ${index}`])
    const content = JSON.stringify(Object.fromEntries(keys))
    const path = `/coffer/v1/projects/${this.#projectId}/import`
    await this.#must("POST", path, { secretPath, format: "json", content, onConflict: "overwrite" })
  }

  async #must(method: string, path: string, body: object): Promise<void> {
    const answer = await this.#away.ask(method, path, { projectId: this.#projectId, ...body })
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBe(200)
  }
}
