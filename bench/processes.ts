/**
 * Child processes of a benchmark: the program measured, its baseline and the load, each in a process of
 * its own. Everything started here is stopped by {@link stopAll}, whatever happens.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer } from "node:net"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

export const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..")
const children = new Set<ChildProcess>()

export type Started = {
  readonly pid: number
  /** Its exit code; -1 for a signal. */
  readonly exited: Promise<number>
  stop(): Promise<void>
  readonly output: () => string
}

/** Starts a TypeScript file of the repository with the Node that runs this one. */
export function startScript(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Started {
  const child = spawn(process.execPath, [resolve(repositoryRoot, file), ...args], {
    cwd: repositoryRoot,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  children.add(child)
  let output = ""
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString("utf8")).slice(-20_000)
  }
  child.stdout.on("data", keep)
  child.stderr.on("data", keep)
  const exited = once(child, "exit").then(([code]) => (typeof code === "number" ? code : -1))
  return { pid: child.pid ?? 0, exited, output: () => output, stop: () => stop(child) }
}

/** The product as it is shipped: bundled (`tools/build`), started as a user would. */
export function startCoffer(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  build = ".coffer/build",
): Started {
  return startScript(join(build, "main.js"), args, env)
}

async function stop(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, "exit")
  child.kill("SIGTERM")
  const force = setTimeout(() => child.kill("SIGKILL"), 10_000)
  await exited
  clearTimeout(force)
}

export async function stopAll(): Promise<void> {
  await Promise.all([...children].map(stop))
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}

/** Polls `check` until it is true; throws with `what` and the process's output after `limitMs`. */
export async function waitUntil(
  what: string,
  check: () => Promise<boolean>,
  limitMs = 60_000,
  everyMs = 50,
): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await check().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

/** Resident memory of a process in MiB: now and at its highest (Linux only). */
export function residentMiB(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0)
  return { now: kib("VmRSS") / 1024, peak: kib("VmHWM") / 1024 }
}

/** Processor time that a process has used so far, user and system, all threads (Linux only; a tick is 10 ms). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) / 100
}
