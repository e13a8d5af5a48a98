/** What a command may do with the terminal it was started from. */
import { createInterface } from "node:readline/promises"
import { Writable } from "node:stream"
import { CommandError } from "./command-error.ts"
import { SecretText } from "./secret-text.ts"

export interface Terminal {
  /** True when a person can answer a question. */
  readonly isInteractive: boolean
  /** Writes one result to stdout, with a line end. */
  print(text: string): void
  /**
   * Writes a long result to stdout as it comes, no faster than it is read, so that a slow reader costs no memory. When
   * the reader goes away, nothing more is taken from `chunks`, and that is no failure.
   *
   * @throws CommandError "interrupted" when the command is stopped; "invalid" when stdout can't be written; whatever the
   * chunks throw
   */
  printAll(chunks: AsyncIterable<string>): Promise<void>
  /** Writes one remark to stderr, with a line end, so that results can be piped. */
  note(text: string): void
  /** All of stdin, up to {@link MAX_INPUT_BYTES}. */
  readInput(): Promise<string>
  /** Asks a person. @throws CommandError "invalid" that names `field` when nobody is there to answer */
  ask(question: string, field: string): Promise<string>
  /** As {@link ask}, without showing what is typed. */
  askHidden(question: string, field: string): Promise<SecretText>
}

export type TerminalStreams = {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
}

const MAX_INPUT_BYTES = 4 * 1024 * 1024

export function createTerminal(streams: TerminalStreams, signal: AbortSignal): Terminal {
  const isInteractive = streams.stdin.isTTY === true
  const requirePerson = (field: string) => {
    if (!isInteractive) throw new CommandError("invalid", `${field} is missing and nobody is there to ask`)
  }
  return {
    isInteractive,
    print: (text) => void streams.stdout.write(`${text}\n`),
    printAll: (chunks) => writeAll(streams.stdout, chunks, signal),
    note: (text) => void streams.stderr.write(`${text}\n`),
    readInput: () => readAll(streams.stdin),
    ask: async (question, field) => {
      requirePerson(field)
      return askOn(streams.stdin, streams.stderr, `${question}: `, signal)
    },
    askHidden: async (question, field) => {
      requirePerson(field)
      // Reading begins before the prompt shows, so that nothing typed after it is echoed.
      const answering = askOn(streams.stdin, silence(), "", signal)
      streams.stderr.write(`${question}: `)
      const answer = await answering
      streams.stderr.write("\n")
      return new SecretText(answer)
    },
  }
}

/** Not a pipeline: one that may not end its output waits for a reader that sleeps even when it is told to stop. */
async function writeAll(
  output: NodeJS.WritableStream,
  chunks: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  let [isOver, wake]: [boolean, () => void] = [false, () => undefined]
  let failure: unknown
  const end = (why: unknown) => {
    isOver = true
    failure ??= why
    wake()
  }
  const onDrain = () => wake()
  const onClose = () => end(undefined)
  const onError = (error: Error) => end(isReaderGone(error) ? undefined : cannotPrint(error))
  const onAbort = () => end(signal.reason)
  output.on("drain", onDrain).on("close", onClose).on("error", onError)
  signal.addEventListener("abort", onAbort)
  try {
    signal.throwIfAborted()
    for await (const chunk of chunks) {
      if (!isOver && !output.write(chunk)) {
        await new Promise<void>((resolve) => {
          wake = resolve
          if (isOver) resolve()
        })
      }
      if (isOver) break
    }
    if (failure !== undefined) throw failure
  } finally {
    output.off("drain", onDrain).off("close", onClose).off("error", onError)
    signal.removeEventListener("abort", onAbort)
  }
}

/** `coffer secrets | head` ends the reader first. */
export function isReaderGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && readerGone.has(error.code)
}

const readerGone = new Set<unknown>(["EPIPE", "ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_DESTROYED"])

export function cannotPrint(cause: Error): CommandError {
  return new CommandError("invalid", `the output cannot be written: ${cause.message}`, { cause })
}

async function askOn(
  input: NodeJS.ReadStream,
  output: NodeJS.WritableStream,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  const lines = createInterface({ input, output, terminal: true })
  const interrupted = new Promise<never>((_resolve, reject) => {
    lines.once("SIGINT", () => reject(new CommandError("interrupted", "interrupted")))
  })
  try {
    const answer = await Promise.race([lines.question(question, { signal }), interrupted])
    return answer.trim()
  } finally {
    lines.close()
  }
}

function silence(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() })
}

async function readAll(input: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk)
    size += bytes.byteLength
    if (size > MAX_INPUT_BYTES) throw new CommandError("invalid", "the input is longer than 4 MiB")
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString("utf8")
}
