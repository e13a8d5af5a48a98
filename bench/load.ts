/**
 * Load on one URL from a process of its own (so that it does not share an event loop with what it
 * measures): `node bench/load.ts <json options>` prints one line of JSON.
 */
import autocannon from "autocannon"

export type LoadOptions = {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
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

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? "{}") as LoadOptions
  const result = await autocannon({
    url: options.url,
    headers: { ...options.headers },
    connections: options.connections,
    duration: options.seconds,
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
