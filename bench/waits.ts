/**
 * How long one caller waits while another does the largest things that there are: a small read is asked for every five
 * milliseconds meanwhile, and the longest wait is printed. The baseline is the same read while nothing else happens.
 * `npm run bench -- waits [secrets]` chooses another size of the project, the environment and the folder,
 * `npm run bench -- waits postgres [secrets]` PostgreSQL, where those who write to the same project wait for as long as
 * each of these takes at most. What fails is told, and the rest goes on.
 */
import { startPostgres } from "@coffer/testkit"
import { type CofferServer, createProject, startCofferServer } from "./coffer-server.ts"
import { stopAll } from "./processes.ts"

type Json = Readonly<Record<string, unknown>>

const perFolder = 1_000
const restored = 20_000
const inOneFile = 5_000

/** Runs the benchmark and prints durations and waits. */
export async function run(args: readonly string[]): Promise<void> {
  const isPostgres = args[0] === "postgres"
  const size = Number(args[isPostgres ? 1 : 0] ?? 100_000)
  // As PostgreSQL is set up when nobody says anything.
  const settings = { fsync: "on", shared_buffers: "128MB" }
  const postgres = isPostgres ? await startPostgres({ isDurable: true, settings }) : undefined
  const server = await startCofferServer(
    postgres === undefined ? {} : { DB_CONNECTION_URI: await postgres.createDatabase() },
  )
  const measure = async (what: string, work: () => Promise<unknown>) => {
    const start = performance.now()
    let failure = ""
    const done = work().catch((error: unknown) => {
      failure = `, and failed: ${String(error)}`
    })
    const waitMs = await longestWait(server, done)
    const ms = performance.now() - start
    console.log(
      `${what}: ${(ms / 1_000).toFixed(2)} s, others waited ${waitMs.toFixed(0)} ms at most${failure}`,
    )
  }
  try {
    await measure("nothing", () => new Promise((resolve) => setTimeout(resolve, 2_000)))
    const large = new Place(server, await createProject(server, "large"), "prod")
    await measure(`${size} secrets, in batches of ${perFolder}`, () => large.fill(size))
    const other = new Place(server, large.projectId, "dev")
    await measure(`a file of ${inOneFile} secrets`, () => other.importFile(inOneFile))
    const before = await other.revision()
    await measure(`updating ${inOneFile} secrets by a file`, () => other.importFile(inOneFile, "2"))
    await measure(`restoring an environment, ${inOneFile} secrets`, () => other.restore(before))
    const some = new Place(server, large.projectId, "staging")
    await some.fill(restored)
    const full = await some.revision()
    await measure(`deleting a folder with ${restored} secrets`, () => some.removeFolder())
    await measure(`restoring it`, () => some.restore(full))
    await measure(`deleting a folder with ${size} secrets`, () => large.removeFolder())
    const second = new Place(server, await createProject(server, "second"), "prod")
    await second.fill(size)
    await measure(`deleting an environment with ${size} secrets`, () => second.removeEnvironment())
    const third = new Place(server, await createProject(server, "third"), "prod")
    await third.fill(size)
    await measure(`deleting a project with ${size} secrets, and 10 s more`, async () => {
      const start = performance.now()
      await third.removeProject()
      console.log(`  answered after ${(performance.now() - start).toFixed(0)} ms`)
      await new Promise((resolve) => setTimeout(resolve, 10_000))
    })
  } finally {
    await server.close()
    await stopAll()
    await postgres?.stop()
  }
}

/** An environment, filled below one folder. */
class Place {
  readonly #server: CofferServer
  readonly projectId: string
  readonly environment: string

  constructor(server: CofferServer, projectId: string, environment: string) {
    this.#server = server
    this.projectId = projectId
    this.environment = environment
  }

  async #call(method: string, path: string, body?: Json): Promise<Json> {
    const place = { projectId: this.projectId, environment: this.environment }
    const whole = body === undefined ? undefined : { ...place, ...body }
    return await this.#server.call(method, `/api${path}`, whole, this.#server.adminToken)
  }

  async fill(size: number): Promise<void> {
    await this.#call("POST", "/v2/folders", { name: "top", path: "/" })
    for (let from = 0; from < size; from += perFolder) {
      const name = `f${from}`
      await this.#call("POST", "/v2/folders", { name, path: "/top" })
      const secrets = Array.from({ length: Math.min(perFolder, size - from) }, (_, index) => ({
        secretKey: `KEY_${index}`,
        secretValue: `postgres://app:password@db.internal:5432/app?${from}-${index}`,
      }))
      await this.#call("POST", "/v4/secrets/batch", { secretPath: `/top/${name}`, secrets })
    }
  }

  async importFile(size: number, value = "1"): Promise<void> {
    const content = JSON.stringify(
      Object.fromEntries(Array.from({ length: size }, (_, index) => [`KEY_${index}`, `${value}-${index}`])),
    )
    const body = { secretPath: "/", format: "json", content, onConflict: "overwrite" }
    await this.#call("POST", `/coffer/v1/projects/${this.projectId}/import`, body)
  }

  get #restorePath(): string {
    return `/coffer/v1/projects/${this.projectId}/restore`
  }

  async #preview(revision: number): Promise<number> {
    const query = `environment=${this.environment}&path=/&revision=${revision}`
    const { restore } = await this.#call("GET", `${this.#restorePath}?${query}`)
    return (restore as { revision: number }).revision
  }

  async revision(): Promise<number> {
    return await this.#preview(1)
  }

  async restore(revision: number): Promise<void> {
    const expectedRevision = await this.#preview(revision)
    await this.#call("POST", this.#restorePath, { path: "/", revision, expectedRevision })
  }

  async removeFolder(): Promise<void> {
    await this.#call("DELETE", "/v2/folders/top", { path: "/", forceDelete: true })
  }

  async removeEnvironment(): Promise<void> {
    const { project } = await this.#call("GET", `/v1/projects/${this.projectId}`)
    const { environments } = project as { environments: readonly { id: string; slug: string }[] }
    const found = environments.find(({ slug }) => slug === this.environment)
    await this.#call("DELETE", `/v1/projects/${this.projectId}/environments/${found?.id}`)
  }

  async removeProject(): Promise<void> {
    await this.#call("DELETE", `/v1/projects/${this.projectId}`)
  }
}

/** Asks the server for something small until the work is done. */
async function longestWait(server: CofferServer, work: Promise<unknown>): Promise<number> {
  const done = work.then(() => true)
  const rest = () => new Promise<false>((resolve) => setTimeout(resolve, 5, false))
  let waitMs = 0
  do {
    const asked = performance.now()
    await server.call("GET", "/api/v1/projects", undefined, server.adminToken)
    waitMs = Math.max(waitMs, performance.now() - asked)
  } while (!(await Promise.race([done, rest()])))
  return waitMs
}
