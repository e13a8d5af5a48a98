/** Rounds of load on two servers in turn, so that both meet the same noise, and what came of it as one line. */
import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { LoadOptions, LoadResult } from "./load.ts"
import { cpuSeconds, repositoryRoot } from "./processes.ts"

export type Target = Pick<LoadOptions, "url" | "headers" | "requests"> & {
  /** Of the process that is measured. */
  readonly pid: number
}

/** What a round of load showed, and the processor time that the server took for a request, all its threads together. */
export type Measured = LoadResult & { readonly cpuMicros: number }

export type Comparison = {
  /** The median round's requests per second of ours over those of the baseline. */
  readonly ratio: number
  readonly ours: Measured
  readonly base: Measured
}

export type Rounds = {
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
}

/** @throws when a request of either fails */
export async function compare(base: Target, ours: Target, how: Rounds): Promise<Comparison> {
  const { connections, seconds } = how
  await runLoad({ ...base, connections, seconds: 1 })
  await runLoad({ ...ours, connections, seconds: 2 })
  const rounds: Comparison[] = []
  for (let round = 0; round < how.rounds; round++) {
    const baseResult = await runLoad({ ...base, connections, seconds })
    const oursResult = await runLoad({ ...ours, connections, seconds })
    const ratio = oursResult.requestsPerSecond / baseResult.requestsPerSecond
    rounds.push({ ratio, base: baseResult, ours: oursResult })
  }
  const median = rounds.toSorted((a, b) => a.ratio - b.ratio)[Math.floor(rounds.length / 2)]
  if (median === undefined) throw new Error("a comparison has at least one round")
  return median
}

export async function runLoad({
  pid,
  ...options
}: Target & Omit<LoadOptions, keyof Target>): Promise<Measured> {
  const before = cpuSeconds(pid)
  const result = await sendLoad(options)
  const requests = result.requestsPerSecond * options.seconds
  return { ...result, cpuMicros: ((cpuSeconds(pid) - before) * 1e6) / requests }
}

async function sendLoad(options: LoadOptions): Promise<LoadResult> {
  const folder = await mkdtemp(join(tmpdir(), "coffer-bench-load-"))
  try {
    const file = join(folder, "options.json")
    await writeFile(file, JSON.stringify(options), { mode: 0o600 })
    const child = spawn(process.execPath, [join(repositoryRoot, "bench/load.ts"), file], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    let output = ""
    for await (const chunk of child.stdout) output += String(chunk)
    const result = JSON.parse(output) as LoadResult
    if (result.failures > 0) throw new Error(`${result.failures} requests failed against ${options.url}`)
    return result
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const percent = (ratio: number) => `${(ratio * 100).toFixed(0)} %`

export const describeLoad = (result: Measured) =>
  `${result.requestsPerSecond.toFixed(0)}/s, p50 ${result.p50Ms} ms, p99 ${result.p99Ms} ms, ` +
  `${result.cpuMicros.toFixed(0)} µs of processor time each`
