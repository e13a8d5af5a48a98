/**
 * A whole project out and in by the command, passphrase included: how long, how much memory in the server and in the
 * command, and how long others wait meanwhile. The baseline is making the project through the API, in batches of a
 * thousand. `npm run bench -- archives [secrets]` chooses another size.
 */
import { statSync } from "node:fs"
import { join } from "node:path"
import { type CofferServer, startCofferServer } from "./coffer-server.ts"
import { createDataset } from "./dataset.ts"
import { residentMiB, startCoffer, stopAll } from "./processes.ts"

/** Runs the benchmark and prints durations, memory and waits. */
export async function run(args: readonly string[]): Promise<void> {
  const size = Number(args[0] ?? 100_000)
  const server = await startCofferServer()
  try {
    const start = performance.now()
    const making = createDataset(server, size)
    const baseWaitMs = await longestWait(server, making)
    const { slug } = await making
    const baseMs = performance.now() - start
    const { peak } = residentMiB(server.process.pid)
    console.log(`making ${size} secrets through the API: ${seconds(baseMs)}`)
    console.log(
      `  at most ${peak.toFixed(0)} MiB in the server; others waited ${baseWaitMs.toFixed(0)} ms at most`,
    )
    const file = join(server.dataFolder, "project.age")
    const out = await measured(server, ["projects", "export", file, "--project", slug])
    report("export", out, baseMs)
    console.log(`  ${(statSync(file).size / 1_000_000).toFixed(1)} MB`)
    report("import as a copy", await measured(server, ["projects", "import", file, "--as-copy"]), baseMs)
  } finally {
    await server.close()
    await stopAll()
  }
}

type Measured = {
  readonly ms: number
  readonly serverMiB: number
  readonly commandMiB: number
  readonly waitMs: number
}

async function measured(server: CofferServer, args: readonly string[]): Promise<Measured> {
  const start = performance.now()
  const command = startCoffer(args, {
    INFISICAL_DOMAIN: server.url,
    INFISICAL_TOKEN: server.adminToken,
    COFFER_ARCHIVE_PASSPHRASE: "correct horse battery staple",
  })
  let commandMiB = 0
  const waitMs = await longestWait(server, command.exited, () => {
    commandMiB = Math.max(commandMiB, residentOrZero(command.pid))
  })
  const exitCode = await command.exited
  if (exitCode !== 0) throw new Error(command.output())
  const { peak } = residentMiB(server.process.pid)
  return { ms: performance.now() - start, serverMiB: peak, commandMiB, waitMs }
}

/** Asks the server for something small until the work is done. */
async function longestWait(server: CofferServer, work: Promise<unknown>, look = () => {}): Promise<number> {
  const done = work.then(() => true)
  const rest = () => new Promise<false>((resolve) => setTimeout(resolve, 20, false))
  let waitMs = 0
  do {
    const asked = performance.now()
    await server.call("GET", "/api/v1/projects", undefined, server.adminToken)
    waitMs = Math.max(waitMs, performance.now() - asked)
    look()
  } while (!(await Promise.race([done, rest()])))
  return waitMs
}

/** The process may be gone by now. */
function residentOrZero(pid: number): number {
  try {
    return residentMiB(pid).peak
  } catch {
    return 0
  }
}

function report(what: string, { ms, serverMiB, commandMiB, waitMs }: Measured, baseMs: number): void {
  console.log(`${what}: ${seconds(ms)}, ${(ms / baseMs).toFixed(2)} times making it`)
  console.log(
    `  at most ${serverMiB.toFixed(0)} MiB in the server, ${commandMiB.toFixed(0)} MiB in the command; others waited ${waitMs.toFixed(0)} ms at most`,
  )
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
