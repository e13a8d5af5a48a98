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
  const [comparison] = await compareAll(base, [ours], how)
  if (comparison === undefined) throw new Error("one target has one comparison")
  return comparison
}

/**
 * Several with one baseline, all in turn; a comparison for each of them.
 *
 * @throws when a request of any fails
 */
export async function compareAll(
  base: Target,
  others: readonly Target[],
  how: Rounds,
): Promise<Comparison[]> {
  const { connections, seconds } = how
  await runLoad({ ...base, connections, seconds: 1 })
  for (const other of others) await runLoad({ ...other, connections, seconds: 2 })
  const rounds = others.map((): Comparison[] => [])
  for (let round = 0; round < how.rounds; round++) {
    const baseResult = await runLoad({ ...base, connections, seconds })
    for (const [index, other] of others.entries()) {
      const ours = await runLoad({ ...other, connections, seconds })
      const ratio = ours.requestsPerSecond / baseResult.requestsPerSecond
      rounds[index]?.push({ ratio, base: baseResult, ours })
    }
  }
  return rounds.map(medianOf)
}

function medianOf(rounds: readonly Comparison[]): Comparison {
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

/** How near a server is to the least that keeps the same promises, in one line. */
export const besideSketch = (ours: Comparison, sketch: Comparison) =>
  `the least that keeps these promises: ${percent(sketch.ratio)} of it, ${describeLoad(sketch.ours)}; ` +
  `coffer is at ${percent(ours.ratio / sketch.ratio)} of that`
