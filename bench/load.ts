/**
 * Load on one server from a process of its own (so that it does not share an event loop with what it
 * measures): `node bench/load.ts <file with JSON options>` prints one line of JSON.
 */
import { readFileSync } from "node:fs"
import autocannon from "autocannon"

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

/** The list beginning at another place for each connection, so that they don't all ask for the same at once. */
function shifted(requests: readonly LoadRequest[], by: number): autocannon.Request[] {
  const start = by % requests.length
  return [...requests.slice(start), ...requests.slice(0, start)].map((request) => ({ ...request }))
}

if (import.meta.main) {
  const options = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as LoadOptions
  const step = Math.ceil(options.requests.length / options.connections)
  let client = 0
  const result = await autocannon({
    url: options.url,
    headers: { ...options.headers },
    requests: shifted(options.requests, 0),
    connections: options.connections,
    duration: options.seconds,
    setupClient: (connection) => connection.setRequests(shifted(options.requests, step * client++)),
    ...(options.rate === undefined ? {} : { overallRate: options.rate }),
  })
  const line: LoadResult = {
    requestsPerSecond: result["2xx"] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failures: result.non2xx + result.errors + result.timeouts,
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
