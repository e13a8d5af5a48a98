import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { chown, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import {
  retryOnTakenPort,
  type SupervisedProgram,
  type Supervisor,
  startSupervisor,
  waitUntilServing,
} from "@coffer/control-plane"
import { afterAll, beforeAll } from "vitest"
import { postgresTool, unprivilegedUser } from "./find-postgres.ts"
import { describeWithTools } from "./tools.ts"

const userName = "coffer"
const startTimeoutMs = 60_000

/** A PostgreSQL server of this process's own, on a loopback port, with its data in a temporary folder. */
export interface Postgres {
  /** Connection string of the maintenance database `postgres`, password included. */
  readonly url: string
  /** Process id of the newest server, for tests that pause or kill it. */
  readonly pid: number
  /** Creates an empty database and returns its connection string; safe to call concurrently. */
  createDatabase(): Promise<string>
  /** Ends the server at once, as a crash does (SIGQUIT, "immediate"), and keeps its data. */
  crash(): Promise<void>
  /** Starts a crashed server again on its data and port; resolves when it has recovered. */
  startAgain(): Promise<void>
  /** Ends the server and removes its data; may be called again. */
  stop(): Promise<void>
}

export type PostgresOptions = {
  /** What was committed survives {@link Postgres.crash}; slower. Power loss is nobody's matter here: `fsync` stays off. */
  readonly isDurable?: boolean
  /** Settings of the server that go before these here: `{ shared_buffers: "128MB" }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/**
 * Starts PostgreSQL (15 or newer) with `fsync` off. It ends with `stop`, and also when this process dies,
 * however it dies. Throws if there are no programs; tests use {@link describeWithPostgres}, which skips.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const binFolder = postgresTool.find()
  if (!binFolder) throw new Error(`${postgresTool.name} is missing: ${postgresTool.hint}`)
  const supervisor = await startSupervisor("coffer-postgres-")
  try {
    return await startUnder(supervisor, binFolder, options)
  } catch (error) {
    await supervisor.stop()
    throw error
  }
}

/** `describe` for tests that need PostgreSQL: one server per call, handed to the tests by a function. */
export function describeWithPostgres(
  name: string,
  define: (postgres: () => Postgres) => void,
  options: PostgresOptions = {},
): void {
  describeWithTools([postgresTool], name, () => {
    let server: Postgres | undefined
    beforeAll(async () => {
      server = await startPostgres(options)
    })
    afterAll(() => server?.stop())
    define(() => {
      if (!server) throw new Error("PostgreSQL runs only inside tests and hooks")
      return server
    })
  })
}

async function startUnder(
  supervisor: Supervisor,
  binFolder: string,
  options: PostgresOptions,
): Promise<Postgres> {
  const user = unprivilegedUser()
  if (user) await chown(supervisor.directory, user.uid, user.gid)
  const password = randomBytes(16).toString("hex")
  const start = (name: string, program: string, args: readonly string[]) =>
    supervisor.start({
      name,
      file: join(binFolder, program),
      args,
      stopSignal: "SIGQUIT", // the server's own emergency stop: it takes its children along
      ...(user && { user }),
    })
  const dataDirectory = join(supervisor.directory, "data")
  const passwordPath = join(supervisor.directory, "password")
  await writeFile(passwordPath, password, { mode: 0o600 })
  if (user) await chown(passwordPath, user.uid, user.gid)
  await succeed(await start("initdb", "initdb", initArguments(dataDirectory, passwordPath)))
  let starts = 0
  const serveOn = async (port: number) => {
    starts += 1
    const args = serverArguments(dataDirectory, port, options)
    const program = await start(`postgres-${starts}`, "postgres", args)
    await waitUntilServing("postgres", program, () => isReady(dataDirectory, program.pid), startTimeoutMs)
    return { port, program }
  }
  const first = await retryOnTakenPort((port) => serveOn(port))
  const { port } = first
  let { program } = first
  const urlOf = (database: string) => `postgres://${userName}:${password}@127.0.0.1:${port}/${database}`
  return {
    url: urlOf("postgres"),
    get pid() {
      return program.pid
    },
    crash: async () => {
      process.kill(program.pid, "SIGQUIT")
      await program.exited
    },
    startAgain: async () => {
      program = (await serveOn(port)).program
    },
    createDatabase: databaseCreator(join(binFolder, "createdb"), { port, password }, urlOf),
    stop: () => supervisor.stop(),
  }
}

function initArguments(dataDirectory: string, passwordPath: string): string[] {
  return [
    `--pgdata=${dataDirectory}`,
    `--username=${userName}`,
    `--pwfile=${passwordPath}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
  ]
}

function serverArguments(
  dataDirectory: string,
  port: number,
  { isDurable = false, settings: others = {} }: PostgresOptions,
): string[] {
  const settings = [
    "listen_addresses=127.0.0.1",
    `port=${port}`,
    "unix_socket_directories=",
    "fsync=off",
    `synchronous_commit=${isDurable ? "on" : "off"}`,
    `full_page_writes=${isDurable ? "on" : "off"}`,
    "max_connections=200",
    "shared_buffers=32MB",
    // Of several values for one setting the server takes the last.
    ...Object.entries(others).map(([name, value]) => `${name}=${value}`),
  ]
  return ["-D", dataDirectory, ...settings.flatMap((setting) => ["-c", setting])]
}

/** `postmaster.pid` in our own data directory says so: first line the process, last line its state. */
async function isReady(dataDirectory: string, pid: number): Promise<boolean> {
  try {
    const lines = (await readFile(join(dataDirectory, "postmaster.pid"), "utf8")).split("\n")
    return Number(lines[0]) === pid && lines[7]?.trim() === "ready"
  } catch {
    return false // not written yet
  }
}

async function succeed(program: SupervisedProgram): Promise<void> {
  const { exitCode } = await program.exited
  if (exitCode !== 0) throw new Error(`initdb failed:\n${await program.readLogTail()}`)
}

function databaseCreator(
  createdb: string,
  server: { readonly port: number; readonly password: string },
  urlOf: (database: string) => string,
): () => Promise<string> {
  let count = 0
  return async () => {
    count += 1
    const name = `test_${count}`
    const address = ["--host=127.0.0.1", `--port=${server.port}`, `--username=${userName}`]
    await promisify(execFile)(createdb, [...address, "--maintenance-db=postgres", name], {
      env: { ...process.env, PGPASSWORD: server.password },
      timeout: startTimeoutMs,
    })
    return urlOf(name)
  }
}
