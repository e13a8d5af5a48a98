/**
 * Durable writes of one secret (a new version with its audit event), 32 callers, against a bare route that inserts one
 * row with commits grouped the same way (design, section 8), and beside the least that keeps the promises of a write
 * (`sketch.ts`), in projects of 10^3, 10^4 and 10^5 secrets.
 * `npm run bench -- writes [secrets ...]` chooses other sizes.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createIdentity, startBareRoute, startCofferServer, startSketch } from "./coffer-server.ts"
import { besideSketch, compareAll, describeLoad, percent } from "./compare.ts"
import { createDataset, sample } from "./dataset.ts"
import { residentMiB, stopAll } from "./processes.ts"

const connections = 32

/** Runs the benchmark and prints ratios. */
export async function run(args: readonly string[]): Promise<void> {
  const sizes = args.length === 0 ? [1_000, 10_000, 100_000] : args.map(Number)
  for (const size of sizes) await runOne(size)
}

async function runOne(size: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "coffer-bench-writes-"))
  const server = await startCofferServer()
  try {
    const { projectId, ...dataset } = await createDataset(server, size)
    const { token } = await createIdentity(server, projectId, "member")
    const requests = sample({ projectId, ...dataset }, 1_000).map(({ folder: secretPath, key }, index) => ({
      method: "PATCH" as const,
      path: `/api/v4/secrets/${key}`,
      body: JSON.stringify({ projectId, environment: "prod", secretPath, secretValue: `written-${index}` }),
    }))
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
    const [first] = requests
    const answer = await server.call("PATCH", first?.path ?? "", JSON.parse(first?.body ?? "{}"), token)
    const file = join(folder, "answer.json")
    await writeFile(file, JSON.stringify(answer))
    const base = { ...(await startBareRoute(file)), headers, requests }
    const sketch = { ...base, ...(await startSketch(file)) }
    const ours = { url: server.url, pid: server.process.pid, headers, requests }
    const rounds = { connections, rounds: 3, seconds: 6 }
    const [result, ofSketch] = await compareAll(base, [ours, sketch], rounds)
    if (result === undefined || ofSketch === undefined) throw new Error("two targets have two comparisons")
    console.log(`${size} secrets in ${dataset.folders.length} folders`)
    console.log(`  durable write of one secret: ${percent(result.ratio)} of a bare insert (target >= 50 %)`)
    console.log(`    coffer ${describeLoad(result.ours)}; bare ${describeLoad(result.base)}`)
    console.log(`    ${besideSketch(result, ofSketch)}`)
    console.log(`  resident after load: ${residentMiB(server.process.pid).now.toFixed(0)} MiB`)
  } finally {
    await server.close()
    await stopAll()
    await rm(folder, { recursive: true, force: true })
  }
}
