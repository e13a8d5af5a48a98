import { type ChildProcess, spawn } from "node:child_process"
import { rmSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { extname, join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { ControlPlaneError } from "../errors.ts"
import type { Report, StartCommand } from "./supervisor-process.ts"

/** How long a supervisor may take to start, to start a program, and to clean up. */
const answerTimeoutMs = 30_000
const stopTimeoutMs = 10_000

export type ProgramExit = { readonly exitCode: number | null; readonly signal: string | null }

/** A program that runs under a supervisor. */
export interface SupervisedProgram {
  readonly pid: number
  /** Resolves when the program ends, however it ends; never rejects. */
  readonly exited: Promise<ProgramExit>
  hasExited(): boolean
  /** The newest part of what it printed, for an error message. */
  readLogTail(): Promise<string>
}

export type ProgramToStart = {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** `SIGQUIT` for programs that must end their own children; default `SIGKILL`: the data is thrown away. */
  readonly stopSignal?: StartCommand["stopSignal"]
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** Owner of a temporary directory and of programs, which both end with this process, however it ends. */
export interface Supervisor {
  /** Only this user may enter it; removed by `stop` and by the death of this process. */
  readonly directory: string
  /** Throws `supervisor-failed` if the program cannot be run at all. */
  start(program: ProgramToStart): Promise<SupervisedProgram>
  /** Ends all programs and removes the directory; may be called again. */
  stop(): Promise<void>
}

/** Starts a supervisor process; `prefix` begins the name of its temporary directory. */
export async function startSupervisor(prefix: string): Promise<Supervisor> {
  const script = new URL(`./supervisor-process${extname(import.meta.url)}`, import.meta.url)
  const child = spawn(process.execPath, [fileURLToPath(script), prefix], {
    // Its own session: Ctrl-C in the terminal reaches this process first, which then closes the pipe.
    detached: true,
    env: inheritedEnvironment(),
    stdio: ["pipe", "pipe", "ignore"],
  })
  const running = new RunningSupervisor(child)
  await running.ready()
  return running
}

/** What every program needs of our environment; the rest (credentials among it) stays here. */
function inheritedEnvironment(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "TMP", "TEMP", "SystemRoot", "LANG", "TZ"]
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

type Program = {
  readonly startup: PromiseWithResolvers<number>
  readonly exit: PromiseWithResolvers<ProgramExit>
  pid?: number
  hasExited: boolean
}

class RunningSupervisor implements Supervisor {
  readonly #child: ChildProcess
  readonly #programs = new Map<string, Program>()
  readonly #startup = Promise.withResolvers<string>()
  readonly #closed: Promise<void>
  #directory: string | undefined
  #isGone = false

  constructor(child: ChildProcess) {
    this.#child = child
    child.stdin?.on("error", () => {
      // the supervisor is gone; "close" below deals with it
    })
    if (child.stdout) {
      createInterface({ input: child.stdout }).on("line", (line) => this.#receive(JSON.parse(line) as Report))
    }
    this.#closed = new Promise((resolve) => {
      child.once("error", (error) => this.#startup.reject(error))
      child.once("close", () => {
        this.#abandon()
        resolve()
      })
    })
  }

  get directory(): string {
    if (this.#directory === undefined) throw new ControlPlaneError("supervisor-failed", "not started")
    return this.#directory
  }

  async ready(): Promise<void> {
    this.#directory = await within(this.#startup.promise, answerTimeoutMs, "the supervisor did not start")
  }

  async start(program: ProgramToStart): Promise<SupervisedProgram> {
    if (this.#isGone)
      throw new ControlPlaneError("supervisor-failed", `${program.name} cannot start: stopped`)
    const entry: Program = {
      startup: Promise.withResolvers(),
      exit: Promise.withResolvers(),
      hasExited: false,
    }
    this.#programs.set(program.name, entry)
    const logPath = join(this.directory, `${program.name}.log`)
    const command: StartCommand = {
      kind: "start",
      name: program.name,
      file: program.file,
      args: program.args,
      environment: { ...inheritedEnvironment(), ...program.environment },
      logPath,
      stopSignal: program.stopSignal ?? "SIGKILL",
      ...(program.user && { user: program.user }),
    }
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`)
    const pid = await within(entry.startup.promise, answerTimeoutMs, `${program.name} did not start`)
    return {
      pid,
      exited: entry.exit.promise,
      hasExited: () => entry.hasExited,
      readLogTail: () => readTail(logPath),
    }
  }

  async stop(): Promise<void> {
    this.#isGone = true
    this.#child.stdin?.end()
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), stopTimeoutMs)
    await this.#closed
    clearTimeout(timer)
  }

  #receive(report: Report): void {
    if (report.kind === "ready") {
      this.#startup.resolve(report.directory)
      return
    }
    const program = this.#programs.get(report.name)
    if (!program) return
    if (report.kind === "started") {
      program.pid = report.pid
      program.startup.resolve(report.pid)
    } else if (report.kind === "refused") {
      program.startup.reject(
        new ControlPlaneError("supervisor-failed", `${report.name} cannot be run: ${report.reason}`),
      )
    } else {
      program.hasExited = true
      program.exit.resolve({ exitCode: report.exitCode, signal: report.signal })
    }
  }

  /** The supervisor is gone. Normally nothing is left; if it was killed, do what it can no longer do. */
  #abandon(): void {
    this.#isGone = true
    const gone = new ControlPlaneError("supervisor-failed", "the supervisor process ended unexpectedly")
    this.#startup.reject(gone)
    for (const program of this.#programs.values()) {
      program.startup.reject(gone)
      if (!program.hasExited && program.pid !== undefined) killQuietly(program.pid)
      program.hasExited = true
      program.exit.resolve({ exitCode: null, signal: null })
    }
    if (this.#directory)
      rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // it has already ended
  }
}

async function within<T>(promise: Promise<T>, timeoutMs: number, complaint: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () =>
      late.reject(
        new ControlPlaneError("supervisor-failed", `${complaint} within ${timeoutMs / 1000} seconds`),
      ),
    timeoutMs,
  )
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function readTail(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).slice(-3_000)
  } catch {
    return "(no log)" // the program may have ended before it wrote anything
  }
}
