/**
 * Reads against a bare Fastify route that gives the same answer (design, section 8), in projects of 10^3, 10^4 and 10^5
 * secrets so that growth shows: single audited reads spread over the whole project, also beside the least that keeps their
 * promises (`sketch.ts`), lists of 1,000 secrets, logins. In
 * the largest also reads and lists of more than the server keeps answers of, so that each is made anew (ADR 0010).
 * `npm run bench -- reads [secrets ...]` chooses other sizes.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  type CofferServer,
  createIdentity,
  type Reader,
  startBareRoute,
  startCofferServer,
  startSketch,
} from "./coffer-server.ts"
import {
  besideSketch,
  type Comparison,
  compare,
  compareAll,
  describeLoad,
  percent,
  runLoad,
  type Target,
} from "./compare.ts"
import { createDataset, type Dataset, sample } from "./dataset.ts"
import { measureSyncs } from "./disk.ts"
import { residentMiB, stopAll } from "./processes.ts"

const connections = 32
/** From so many secrets on, there are more different reads than answers are kept. */
const MADE_ANEW = 50_000
const defaultSizes = [1_000, 10_000, 100_000]

/** Runs the benchmark and prints ratios. */
export async function run(args: readonly string[]): Promise<void> {
  const sizes = args.length === 0 ? defaultSizes : args.map(Number)
  for (const size of sizes) await runOne(size)
}

async function runOne(size: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "coffer-bench-answer-"))
  const server = await startCofferServer()
  try {
    const dataset = await createDataset(server, size)
    const reader = await createIdentity(server, dataset.projectId, "viewer")
    console.log(`${size} secrets in ${dataset.folders.length} folders`)
    await singleReads(server, dataset, reader, folder)
    if (size >= MADE_ANEW) await readsMadeAnew(server, dataset, reader, folder)
    if (size === Math.min(...defaultSizes)) {
      await lists(server, dataset, reader, folder)
      await logins(server, reader, folder)
    }
    console.log(`  resident after load: ${residentMiB(server.process.pid).now.toFixed(0)} MiB`)
  } finally {
    await server.close()
    await stopAll()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Different reads, spread over the whole project. */
function readsOf(server: CofferServer, dataset: Dataset, reader: Reader, count: number): Target {
  const requests = sample(dataset, count).map(({ folder: path, key }) => ({
    path: `/api/v3/secrets/raw/${key}?environment=prod&secretPath=${encodeURIComponent(path)}&workspaceSlug=${dataset.slug}&type=shared`,
  }))
  return { url: server.url, pid: server.process.pid, headers: bearer(reader), requests }
}

const listOf = (dataset: Dataset, path: string) => ({
  path: `/api/v3/secrets/raw?environment=prod&secretPath=${encodeURIComponent(path)}&workspaceSlug=${dataset.slug}`,
})

async function readsMadeAnew(server: CofferServer, dataset: Dataset, reader: Reader, folder: string) {
  const reads = readsOf(server, dataset, reader, MADE_ANEW)
  const base = await baseline(server, reads, folder)
  report("audited read, made anew", await compare(base, reads, { connections, rounds: 3, seconds: 6 }))
  const lists = { ...reads, requests: dataset.folders.map((path) => listOf(dataset, path)) }
  const listBase = await baseline(server, lists, folder)
  report(
    "list of 1,000 secrets, made anew",
    await compare(listBase, lists, { connections: 8, rounds: 3, seconds: 5 }),
  )
}

async function singleReads(server: CofferServer, dataset: Dataset, reader: Reader, folder: string) {
  const ours = readsOf(server, dataset, reader, 1_000)
  const base = await baseline(server, ours, folder)
  const sketch = { ...base, ...(await startSketch(answerFile(ours, folder))) }
  const [result, ofSketch] = await compareAll(base, [ours, sketch], { connections, rounds: 3, seconds: 6 })
  if (result === undefined || ofSketch === undefined) throw new Error("two targets have two comparisons")
  report("audited read", result, ">= 50 %")
  console.log(`    ${besideSketch(result, ofSketch)}`)
  const rate = Math.round(result.ours.requestsPerSecond / 2)
  const half = await runLoad({ ...ours, connections, seconds: 6, rate })
  const baseHalf = await runLoad({ ...base, connections, seconds: 6, rate })
  const disk = measureSyncs(folder, 3_000)
  console.log(
    `    at half of the maximum: p50 ${half.p50Ms} ms, p99 ${half.p99Ms} ms (target < 5 ms); bare: p50 ${baseHalf.p50Ms} ms, p99 ${baseHalf.p99Ms} ms`,
  )
  console.log(`    the disk alone: a sync takes p50 ${disk.p50Ms} ms, p99 ${disk.p99Ms} ms`)
}

async function lists(server: CofferServer, dataset: Dataset, reader: Reader, folder: string) {
  const [path = "/"] = dataset.folders
  const ours = {
    url: server.url,
    pid: server.process.pid,
    headers: bearer(reader),
    requests: [listOf(dataset, path)],
  }
  const base = await baseline(server, ours, folder)
  report("list of 1,000 secrets", await compare(base, ours, { connections: 8, rounds: 3, seconds: 5 }))
}

async function logins(server: CofferServer, reader: Reader, folder: string) {
  const body = JSON.stringify({ clientId: reader.clientId, clientSecret: reader.clientSecret })
  const headers = { "content-type": "application/json" }
  const path = "/api/v1/auth/universal-auth/login"
  const { pid } = server.process
  const ours: Target = { url: server.url, pid, headers, requests: [{ method: "POST", path, body }] }
  const answer = await server.call("POST", path, JSON.parse(body) as Record<string, unknown>)
  const file = join(folder, "login.json")
  await writeFile(file, JSON.stringify(answer))
  const base: Target = {
    ...(await startBareRoute(file)),
    headers,
    requests: [{ method: "POST", path: "/login", body }],
  }
  report("login with universal auth", await compare(base, ours, { connections, rounds: 3, seconds: 5 }))
}

/** A bare route that gives the answer which ours gives to its first request. */
async function baseline(server: CofferServer, ours: Target, folder: string): Promise<Target> {
  const [first] = ours.requests
  if (first === undefined) throw new Error("nothing to ask for")
  const token = ours.headers?.["authorization"]?.slice("Bearer ".length)
  const answer = await server.call("GET", first.path, undefined, token)
  const file = answerFile(ours, folder)
  await writeFile(file, JSON.stringify(answer))
  return {
    ...(await startBareRoute(file)),
    ...(ours.headers && { headers: ours.headers }),
    requests: ours.requests,
  }
}

const answerFile = ({ requests }: Target, folder: string) => join(folder, `answer-${requests.length}.json`)

const bearer = (reader: Reader) => ({ authorization: `Bearer ${reader.token}` })

function report(what: string, { ratio, base, ours }: Comparison, target?: string): void {
  const wanted = target === undefined ? "" : ` (target ${target})`
  console.log(`  ${what}: ${percent(ratio)} of a bare route${wanted}`)
  console.log(`    coffer ${describeLoad(ours)}; bare ${describeLoad(base)}`)
}
