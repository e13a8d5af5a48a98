/**
 * A small process between a test and the servers it starts. It owns one temporary directory and every
 * program it was told to start, and it holds on to nothing but its standard input: when that pipe closes,
 * because the parent asked or because the parent is gone (SIGKILL included), it ends the programs, removes
 * the directory and exits. Usage: `node supervisor-process.ts <directory prefix>`.
 *
 * One JSON object per line: commands come in on standard input, reports go out on standard output. The end
 * of standard input is the command to stop everything.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"

/** The only command: starts one program; `name` is the caller's and identifies it in reports. */
export type StartCommand = {
  readonly kind: "start"
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Standard output and standard error go here; the caller keeps it inside the supervisor's directory. */
  readonly logPath: string
  readonly stopSignal: "SIGKILL" | "SIGQUIT"
  readonly user?: { readonly uid: number; readonly gid: number }
}

export type Report =
  | { readonly kind: "ready"; readonly directory: string }
  | { readonly kind: "started"; readonly name: string; readonly pid: number }
  | { readonly kind: "refused"; readonly name: string; readonly reason: string }
  | {
      readonly kind: "exited"
      readonly name: string
      readonly exitCode: number | null
      readonly signal: string | null
    }

const graceMs = 3_000

type Running = { readonly child: ChildProcess; readonly stopSignal: StartCommand["stopSignal"] }

const running = new Set<Running>()
let isStopping = false

process.stdout.on("error", () => {
  // the parent is gone; the end of standard input says so too and starts the clean-up
})
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void stopAll())
process.on("uncaughtException", () => void stopAll())

const directory = mkdtempSync(join(tmpdir(), process.argv[2] ?? "coffer-"))
createInterface({ input: process.stdin })
  .on("line", (line) => startProgram(JSON.parse(line) as StartCommand))
  .on("close", () => void stopAll())
report({ kind: "ready", directory })

function report(message: Report): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

function startProgram(command: StartCommand): void {
  if (isStopping) return
  const log = openSync(command.logPath, "a", 0o600)
  const child = spawn(command.file, command.args, {
    cwd: directory,
    env: command.environment,
    stdio: ["ignore", log, log],
    ...command.user,
  })
  closeSync(log)
  child.once("error", (error) => report({ kind: "refused", name: command.name, reason: error.message }))
  if (child.pid === undefined) return
  const entry: Running = { child, stopSignal: command.stopSignal }
  running.add(entry)
  child.once("exit", (exitCode, signal) => {
    running.delete(entry)
    report({ kind: "exited", name: command.name, exitCode, signal })
  })
  report({ kind: "started", name: command.name, pid: child.pid })
}

async function stopAll(): Promise<void> {
  if (isStopping) return
  isStopping = true
  await Promise.all([...running].map(endProgram))
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  process.exit(0)
}

function endProgram({ child, stopSignal }: Running): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), graceMs)
    child.once("exit", () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill(stopSignal)
  })
}
