import { PassThrough, Writable } from "node:stream"
import { describe, expect, it } from "vitest"
import { CommandError } from "./command-error.ts"
import { createTerminal } from "./terminal.ts"

/** Stdout whose reader takes a chunk when told to, and not before. */
class SleepingReader extends Writable {
  taken = ""
  #take: (() => void) | undefined
  #isAwake = false

  constructor() {
    super({ highWaterMark: 1_000, decodeStrings: false })
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.#take = () => {
      this.taken += chunk
      done()
    }
    if (this.#isAwake) this.#take()
  }

  wake(): void {
    this.#isAwake = true
    this.#take?.()
  }
}

const chunk = `${"x".repeat(99)}\n`

/** As many chunks as are asked for, all there at once; counts how many were pulled, and tells when it was ended. */
class Source {
  pulled = 0
  isEnded = false

  async *chunks(count: number): AsyncGenerator<string> {
    try {
      for (; this.pulled < count; ) {
        this.pulled += 1
        yield chunk
      }
    } finally {
      this.isEnded = true
    }
  }
}

/** Whatever does not wait for the reader is over by then: nothing else takes turns here. */
async function manyTurns(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate)
}

function open() {
  const reader = new SleepingReader()
  const stopping = new AbortController()
  const stdin = new PassThrough() as unknown as NodeJS.ReadStream
  const terminal = createTerminal({ stdin, stdout: reader, stderr: new PassThrough() }, stopping.signal)
  return { reader, stopping, terminal, source: new Source() }
}

describe("a long result", () => {
  it("is taken no faster than it is read, and arrives whole", async () => {
    const { reader, terminal, source } = open()
    const printing = terminal.printAll(source.chunks(5_000))
    await manyTurns()
    // What the stream holds before it asks to wait, and one more.
    expect(source.pulled).toBeLessThanOrEqual(11)
    expect(reader.writableLength).toBeLessThanOrEqual(1_000)
    reader.wake()
    await printing
    expect(reader.taken).toBe(chunk.repeat(5_000))
    expect(reader.writableEnded).toBe(false)
  })

  it("leaves no listener behind", async () => {
    const { reader, terminal, source } = open()
    reader.wake()
    const listeners = () => reader.eventNames().map((name) => [name, reader.listenerCount(name)])
    const before = listeners()
    await terminal.printAll(source.chunks(50))
    expect(listeners()).toEqual(before)
  })

  it.for([
    { what: "a pipe that broke", error: Object.assign(new Error("write EPIPE"), { code: "EPIPE" }) },
    { what: "an end without a word", error: undefined },
  ])("ends with its reader: $what", async ({ error }) => {
    const { reader, terminal, source } = open()
    reader.on("error", () => undefined)
    const printing = terminal.printAll(source.chunks(5_000))
    await manyTurns()
    reader.destroy(error)
    await printing
    expect(source).toMatchObject({ isEnded: true })
    expect(source.pulled).toBeLessThan(20)
  })

  it("that cannot be written is a failure", async () => {
    const { reader, terminal, source } = open()
    const full = { code: "ENOSPC", syscall: "write" }
    const printing = terminal.printAll(source.chunks(5_000))
    await manyTurns()
    reader.destroy(Object.assign(new Error("no space left on device"), full))
    await expect(printing).rejects.toMatchObject({
      kind: "invalid",
      message: "the output cannot be written: no space left on device",
    })
    expect(source.isEnded).toBe(true)
  })

  it("is stopped while its reader sleeps", async () => {
    const { stopping, terminal, source } = open()
    const printing = terminal.printAll(source.chunks(5_000))
    await manyTurns()
    const stopped = new CommandError("interrupted", "stopped by SIGINT")
    stopping.abort(stopped)
    await expect(printing).rejects.toBe(stopped)
    expect(source.isEnded).toBe(true)
  })

  it("that breaks off says why", async () => {
    const { reader, terminal } = open()
    reader.wake()
    const broken = async function* () {
      yield chunk
      throw new CommandError("unavailable", "the log went away")
    }
    await expect(terminal.printAll(broken())).rejects.toThrow("the log went away")
  })
})
