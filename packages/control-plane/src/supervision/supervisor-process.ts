/**
 * A small process between a test and the servers it starts. It owns one temporary directory and every
 * program it was told to start, and it holds on to nothing but its standard input: when that pipe closes,
 * because the parent asked or because the parent is gone (SIGKILL included), it ends the programs, removes
 * the directory and exits. Usage: `node supervisor-process.ts <directory prefix>`.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Report, StartCommand } from "./messages.ts"

const graceMs = 3_000

type Running = { readonly child: ChildProcess; readonly stopSignal: StartCommand["stopSignal"] }

const running = new Map<string, Running>()
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
  running.set(command.name, { child, stopSignal: command.stopSignal })
  child.once("exit", (exitCode, signal) => {
    running.delete(command.name)
    report({ kind: "exited", name: command.name, exitCode, signal })
  })
  report({ kind: "started", name: command.name, pid: child.pid })
}

async function stopAll(): Promise<void> {
  if (isStopping) return
  isStopping = true
  await Promise.all([...running.values()].map(endProgram))
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
