/**
 * One authenticated, audited read of a secret, warm, 32 callers, against a bare Fastify route that gives
 * the same answer (design, section 8). Rounds alternate, so that both meet the same noise.
 */
import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createIdentity, createProject, startCofferServer } from "./coffer-server.ts"
import type { LoadOptions, LoadResult } from "./load.ts"
import { freePort, repositoryRoot, residentMiB, startScript, stopAll, waitUntil } from "./processes.ts"

const connections = 32
const rounds = 3
const seconds = 6
const path = "/api/v3/secrets/raw/BENCH_KEY?environment=prod&secretPath=%2F&workspaceSlug=bench&type=shared"

/** Runs the benchmark and prints ratios. */
export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "coffer-bench-answer-"))
  const server = await startCofferServer()
  try {
    const projectId = await createProject(server, "bench")
    await server.call(
      "POST",
      "/api/v4/secrets/BENCH_KEY",
      {
        projectId,
        environment: "prod",
        secretValue: "postgres://app:password@db.internal:5432/app",
      },
      server.adminToken,
    )
    const { token } = await createIdentity(server, projectId, "viewer")
    const headers = { authorization: `Bearer ${token}` }
    const answer = await server.call("GET", path, undefined, token)
    const file = join(folder, "answer.json")
    await writeFile(file, JSON.stringify(answer))
    const port = await freePort()
    const bareUrl = `http://127.0.0.1:${port}`
    startScript("bench/bare-route.ts", [String(port), file])
    await waitUntil("the bare route answering", async () => (await fetch(bareUrl + path)).ok)
    await compare({ url: bareUrl + path, headers }, { url: server.url + path, headers }, server.process.pid)
  } finally {
    await server.close()
    await stopAll()
    await rm(folder, { recursive: true, force: true })
  }
}

type Target = Pick<LoadOptions, "url" | "headers">

async function compare(bare: Target, coffer: Target, pid: number): Promise<void> {
  await load({ ...bare, connections, seconds: 2 })
  await load({ ...coffer, connections, seconds: 2 })
  const ratios: number[] = []
  let best = 0
  for (let round = 1; round <= rounds; round++) {
    const base = await load({ ...bare, connections, seconds })
    const ours = await load({ ...coffer, connections, seconds })
    ratios.push(ours.requestsPerSecond / base.requestsPerSecond)
    best = Math.max(best, ours.requestsPerSecond)
    console.log(
      `round ${round}: bare ${describe(base)}; coffer ${describe(ours)}; ratio ${percent(ratios.at(-1) ?? 0)}`,
    )
  }
  const half = await load({ ...coffer, connections, seconds, rate: Math.round(best / 2) })
  const bareHalf = await load({ ...bare, connections, seconds, rate: Math.round(best / 2) })
  const median = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? 0
  const memory = residentMiB(pid)
  console.log(`at half of the maximum: coffer ${describe(half)}; bare at the same rate ${describe(bareHalf)}`)
  console.log(
    `audited read: ${percent(median)} of a bare route (target >= 50 %), p99 ${half.p99Ms} ms at half of the maximum (target < 5 ms)`,
  )
  console.log(`resident after load: ${memory.now.toFixed(0)} MiB`)
}

const percent = (ratio: number) => `${(ratio * 100).toFixed(0)} %`
const describe = (result: LoadResult) =>
  `${result.requestsPerSecond.toFixed(0)}/s p50 ${result.p50Ms} ms p99 ${result.p99Ms} ms${result.failures > 0 ? ` ${result.failures} FAILED` : ""}`

async function load(options: LoadOptions): Promise<LoadResult> {
  const child = spawn(process.execPath, [join(repositoryRoot, "bench/load.ts"), JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  let output = ""
  for await (const chunk of child.stdout) output += String(chunk)
  const result = JSON.parse(output) as LoadResult
  if (result.failures > 0) throw new Error(`${result.failures} requests failed against ${options.url}`)
  return result
}
