/**
 * The command as child processes: what the demo and the end-to-end tests start is what a user would type.
 * Every process started here ends with {@link ChildProcesses.stopAll}, and with this process at the latest, also when
 * that is killed.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

export type Environment = Readonly<Record<string, string>>

export type Finished = { readonly exitCode: number; readonly stdout: string; readonly stderr: string }

/** A `coffer` that keeps running. */
export interface RunningCommand {
  readonly pid: number
  /** Resolves with the match once a line of its output matches; rejects when it ends before, or after the limit. */
  waitForLine(pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray>
  /** Everything it printed so far, the newest 64 KiB. */
  output(): string
  /** Resolves with the exit code, or the signal's name, when it has ended. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** SIGTERM, and SIGKILL when that takes longer than the limit. */
  stop(): Promise<void>
  /** SIGKILL at once. */
  kill(): Promise<void>
}

const main = fileURLToPath(new URL("../main.ts", import.meta.url))
const endWithParent = new URL("./end-with-parent.ts", import.meta.url).href
const OUTPUT_LIMIT = 64 * 1024
const STOP_TIMEOUT_MS = 30_000
const COMMAND_TIMEOUT_MS = 120_000

export class ChildProcesses {
  readonly #running = new Set<RunningCommand>()
  readonly #killOnExit = () => {
    for (const command of this.#running) process.kill(command.pid, "SIGKILL")
  }

  constructor() {
    process.on("exit", this.#killOnExit)
  }

  /** Starts `coffer <args>`; the environment is exactly the given one. */
  start(args: readonly string[], env: Environment): RunningCommand {
    const child = spawn(process.execPath, ["--import", endWithParent, main, ...args], {
      env,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    })
    const command = watch(child, `coffer ${args[0] ?? ""}`)
    this.#running.add(command)
    void command.ended.finally(() => this.#running.delete(command))
    return command
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((command) => command.stop()))
    process.off("exit", this.#killOnExit)
  }
}

/** Runs `coffer <args>` to its end; a failure is an exit code, not an exception. */
export function runCoffer(
  args: readonly string[],
  env: Environment,
  options: { readonly stdin?: string; readonly signal?: AbortSignal } = {},
): Promise<Finished> {
  const child = spawn(process.execPath, [main, ...args], {
    env,
    stdio: ["pipe", "pipe", "pipe"],
    timeout: COMMAND_TIMEOUT_MS,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
  })
  child.stdin.on("error", () => {
    // it ended without reading its input; the exit code says why
  })
  child.stdin.end(options.stdin ?? "")
  return new Promise((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (exitCode) => resolve({ exitCode: exitCode ?? 137, stdout, stderr }))
  })
}

function watch(child: ChildProcess, name: string): RunningCommand {
  let output = ""
  const listeners = new Set<() => void>()
  const collect = (text: string) => {
    output = (output + text).slice(-OUTPUT_LIMIT)
    for (const listener of listeners) listener()
  }
  child.stdout?.setEncoding("utf8").on("data", collect)
  child.stderr?.setEncoding("utf8").on("data", collect)
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once("error", () => resolve(1))
    child.once("exit", (code, signal) => resolve(code ?? signal ?? 1))
  })
  const signalAndWait = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await ended
  }
  return {
    pid: child.pid ?? -1,
    ended,
    output: () => output,
    waitForLine: (pattern, timeoutMs) => {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpMatchArray>()
      const look = () => {
        const match = output.match(pattern)
        if (match !== null) resolve(match)
      }
      const fail = (reason: string) => reject(new Error(`${name} ${reason}; its output:\n${output}`))
      const timer = setTimeout(() => fail(`did not say ${pattern} within ${timeoutMs} ms`), timeoutMs)
      void ended.then((how) => fail(`ended with ${how}`))
      listeners.add(look)
      look()
      return promise.finally(() => {
        clearTimeout(timer)
        listeners.delete(look)
      })
    },
    stop: async () => {
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS)
      await signalAndWait("SIGTERM").finally(() => clearTimeout(timer))
    },
    kill: () => signalAndWait("SIGKILL"),
  }
}
