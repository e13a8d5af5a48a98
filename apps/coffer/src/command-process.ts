/** The command as a process: hands the machine's terminal, clock, randomness and signals to the program. */
import { randomBytes, randomUUID } from "node:crypto"
import { openBrowser } from "./browser.ts"
import { CommandError } from "./command-error.ts"
import { readConfig } from "./config.ts"
import { exitCodes } from "./exit-codes.ts"
import { runCommandLine } from "./program.ts"
import { createTerminal } from "./terminal.ts"

/** Runs the command line of this process and returns its exit code. */
export async function runCommandProcess(): Promise<number> {
  const { stdin, stdout, stderr } = process
  stdout.on("error", ignoreClosedPipe)
  stderr.on("error", ignoreClosedPipe)
  const signal = abortOnSignals()
  const terminal = createTerminal({ stdin, stdout, stderr }, signal)
  try {
    const config = readConfig()
    return await runCommandLine(process.argv.slice(2), {
      config,
      terminal,
      fetch: globalThis.fetch,
      clock: () => Date.now(),
      random: () => Math.random(),
      randomBytes: (size) => randomBytes(size),
      openBrowser: (url) => openBrowser(url, config.environment),
      newId: () => randomUUID().slice(0, 8),
      signal,
    })
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    terminal.note(`error: ${error.message}`)
    return exitCodes[error.kind].code
  }
}

/** The first Ctrl-C or SIGTERM asks the command to end in order; the second ends it where it stands. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  const codes = { SIGINT: 130, SIGTERM: 143 } as const
  for (const [name, code] of Object.entries(codes)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(code)
      controller.abort(new CommandError("interrupted", `stopped by ${name}`))
    })
  }
  return controller.signal
}

/** `coffer secrets | head` ends the reader first; that is no failure of the command. */
function ignoreClosedPipe(error: Error): void {
  if (!("code" in error) || error.code !== "EPIPE") throw error
}
