/** The command as a process: hands the machine's terminal, clock, randomness and signals to the program. */
import { randomBytes, randomUUID } from "node:crypto"
import { openBrowser } from "./browser.ts"
import { CommandError } from "./command-error.ts"
import { readConfig } from "./config.ts"
import { exitCodes } from "./exit-codes.ts"
import { runCommandLine } from "./program.ts"
import { cannotPrint, createTerminal, isReaderGone } from "./terminal.ts"

/** Runs the command line of this process and returns its exit code. */
export async function runCommandProcess(): Promise<number> {
  const { stdin, stdout, stderr } = process
  stdout.on("error", (error) => endUnlessReaderIsGone(error, (text) => stderr.write(text)))
  stderr.on("error", (error) => endUnlessReaderIsGone(error, () => undefined))
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

/** A reader that ends first is no failure of the command; half a result that looks like a whole one is. */
function endUnlessReaderIsGone(error: Error, note: (text: string) => void): void {
  if (isReaderGone(error)) return
  const failure = cannotPrint(error)
  note(`error: ${failure.message}\n`)
  process.exit(exitCodes[failure.kind].code)
}
