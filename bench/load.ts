/**
 * Load on one server from a process of its own (so that it does not share an event loop with what it measures):
 * `node bench/load.ts <file with JSON options>` prints one line of JSON.
 *
 * Plain sockets and prepared requests, one at a time on each connection: the less this costs, the more of a small
 * machine is left to what is measured. With a rate, requests fall due at even distances whatever the server does, and a
 * latency counts from when its request was due: a server that stalls can't hide it.
 */
import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"

export type LoadRequest = {
  readonly method?: "GET" | "POST" | "PATCH"
  readonly path: string
  readonly body?: string
}

export type LoadOptions = {
  /** Address without a path. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent in turn by every connection, each beginning elsewhere in the list. */
  readonly requests: readonly LoadRequest[]
  readonly connections: number
  readonly seconds: number
  /** Requests per second over all connections; absent = as fast as possible. */
  readonly rate?: number
}

export type LoadResult = {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failures: number
}

const headEnd = Buffer.from("\r\n\r\n")

/** One connection that sends one request at a time. */
class Connection {
  readonly #socket: Socket
  readonly #onAnswer: (isFine: boolean) => void
  #received: Buffer | undefined

  constructor(socket: Socket, onAnswer: (isFine: boolean) => void) {
    this.#socket = socket
    this.#onAnswer = onAnswer
    socket.setNoDelay(true)
    socket.on("data", (chunk: Buffer) => this.#read(chunk))
    socket.on("error", (error) => fail(`a connection failed: ${error.message}`))
    socket.on("close", () => fail("the server closed a connection"))
  }

  send(request: Buffer): void {
    this.#socket.write(request)
  }

  end(): void {
    this.#socket.removeAllListeners("close")
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    const received = this.#received === undefined ? chunk : Buffer.concat([this.#received, chunk])
    const end = received.indexOf(headEnd)
    const head = end === -1 ? "" : received.toString("latin1", 0, end)
    const length = /^content-length: (\d+)/im.exec(head)?.[1]
    if (end !== -1 && length === undefined) fail("an answer has no content-length")
    if (end === -1 || received.length < end + headEnd.length + Number(length)) {
      this.#received = received
      return
    }
    this.#received = undefined
    this.#onAnswer(/^HTTP\/1\.1 2/.test(head))
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

function bytesOf(options: LoadOptions, request: LoadRequest): Buffer {
  const body = Buffer.from(request.body ?? "")
  const headers = { host: new URL(options.url).host, ...options.headers }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  if (request.body !== undefined) lines.push(`content-length: ${body.length}`)
  const head = `${request.method ?? "GET"} ${request.path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}

async function open(url: URL): Promise<Socket> {
  const socket = connect({ host: url.hostname, port: Number(url.port) })
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve)
    socket.once("error", reject)
  })
  return socket
}

/** When the next request is due: at even distances with a rate, else at once. */
class Schedule {
  readonly #endMs: number
  readonly #everyMs: number
  #dueMs: number

  constructor(options: LoadOptions, startMs: number) {
    this.#endMs = startMs + options.seconds * 1_000
    this.#everyMs = options.rate === undefined ? 0 : 1_000 / options.rate
    this.#dueMs = startMs
  }

  isOver(nowMs: number): boolean {
    return (this.#everyMs === 0 ? nowMs : this.#dueMs) >= this.#endMs
  }

  /** Takes the next request if it is due; returns since when. */
  take(nowMs: number): number | undefined {
    if (this.#everyMs === 0) return nowMs
    if (this.#dueMs > nowMs) return undefined
    const due = this.#dueMs
    this.#dueMs += this.#everyMs
    return due
  }
}

/** A connection, where it is in the list, and since when its request counts. */
type Caller = { readonly connection: Connection; place: number; sinceMs: number }

class Load {
  readonly latenciesMs: number[] = []
  failures = 0
  readonly finished: Promise<void>
  readonly #requests: readonly Buffer[]
  readonly #schedule: Schedule
  readonly #callers: Caller[]
  readonly #idle: Caller[]
  #finish: () => void = () => undefined

  constructor(options: LoadOptions, sockets: readonly Socket[]) {
    this.#requests = options.requests.map((request) => bytesOf(options, request))
    const step = Math.ceil(this.#requests.length / sockets.length)
    this.#schedule = new Schedule(options, performance.now())
    this.#callers = sockets.map((socket, index) => {
      const caller: Caller = {
        connection: new Connection(socket, (isFine) => this.#answered(caller, isFine)),
        place: (step * index) % this.#requests.length,
        sinceMs: 0,
      }
      return caller
    })
    this.#idle = [...this.#callers]
    this.finished = new Promise((resolve) => {
      this.#finish = resolve
    })
    this.#wake()
  }

  #answered(caller: Caller, isFine: boolean): void {
    const now = performance.now()
    this.latenciesMs.push(now - caller.sinceMs)
    if (!isFine) this.failures += 1
    const due = this.#schedule.isOver(now) ? undefined : this.#schedule.take(now)
    // Due already and no connection was free: the wait is the server's.
    if (due === undefined) this.#idle.push(caller)
    else this.#send(caller, due)
  }

  #wake(): void {
    const now = performance.now()
    const isOver = this.#schedule.isOver(now)
    if (isOver && this.#idle.length === this.#callers.length) {
      for (const { connection } of this.#callers) connection.end()
      this.#finish()
      return
    }
    // A timer comes a millisecond late or more; that is not the server's fault, so it does not count.
    while (!isOver && this.#idle.length > 0 && this.#schedule.take(now) !== undefined) {
      const caller = this.#idle.shift()
      if (caller !== undefined) this.#send(caller, now)
    }
    setTimeout(() => this.#wake(), 1)
  }

  #send(caller: Caller, sinceMs: number): void {
    const request = this.#requests[caller.place]
    if (request === undefined) throw new Error("nothing to send")
    caller.place = (caller.place + 1) % this.#requests.length
    caller.sinceMs = sinceMs
    caller.connection.send(request)
  }
}

/** Sends requests for some seconds; resolves when every one that was sent has its answer. */
async function run(options: LoadOptions): Promise<LoadResult> {
  const url = new URL(options.url)
  const sockets = await Promise.all(Array.from({ length: options.connections }, () => open(url)))
  const start = performance.now()
  const load = new Load(options, sockets)
  await load.finished
  const seconds = (performance.now() - start) / 1_000
  const sorted = Float64Array.from(load.latenciesMs).sort()
  const percentile = (share: number) => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2))
  return {
    requestsPerSecond: sorted.length / seconds,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    failures: load.failures,
  }
}

if (import.meta.main) {
  const options = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as LoadOptions
  process.stdout.write(`${JSON.stringify(await run(options))}\n`)
}
