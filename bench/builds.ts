/**
 * Two builds of the server under the same load in turn, so that both meet the same noise: what a write, a login and a
 * read cost each. `npm run bench -- builds <folder> <folder> [rounds [what ...]]`; a folder is a copy of `.coffer/build`.
 */
import { createIdentity, startCofferServer } from "./coffer-server.ts"
import { runLoad, type Target } from "./compare.ts"
import { createDataset, sample } from "./dataset.ts"
import { stopAll } from "./processes.ts"

const connections = 32
const kinds = ["write", "login", "read"] as const
type Kind = (typeof kinds)[number]
/** Reads a second, about half of what the server can give: what becomes of them when it is not driven to its limit. */
const STEADY_RATE = 6_000

/** Runs the benchmark and prints the processor time of each round and the medians. */
export async function run(args: readonly string[]): Promise<void> {
  const [before = ".coffer/build", after = ".coffer/build", rounds = "12", ...chosen] = args
  try {
    const builds = [await prepare(before), await prepare(after)]
    for (const what of kinds.filter((kind) => chosen.length === 0 || chosen.includes(kind))) {
      const costs: number[][] = [[], []]
      // So long that the compiler of the engine has little left to do.
      for (const build of builds) await runLoad({ ...build[what], connections, seconds: 6 })
      for (let round = 0; round < Number(rounds); round++) {
        for (const [index, build] of builds.entries()) {
          const { cpuMicros } = await runLoad({ ...build[what], connections, seconds: 1.5 })
          costs[index]?.push(cpuMicros)
        }
      }
      report(what, costs)
    }
    if (chosen.length === 0 || chosen.includes("steady")) await steadyReads(builds, Number(rounds))
  } finally {
    await stopAll()
  }
}

async function steadyReads(builds: readonly Readonly<Record<Kind, Target>>[], rounds: number): Promise<void> {
  const costs: number[][] = [[], []]
  const waits: number[][] = [[], []]
  for (const build of builds) await runLoad({ ...build.read, connections, seconds: 6 })
  for (let round = 0; round < rounds; round++) {
    for (const [index, build] of builds.entries()) {
      const result = await runLoad({ ...build.read, connections, seconds: 3, rate: STEADY_RATE })
      costs[index]?.push(result.cpuMicros)
      waits[index]?.push(result.p99Ms)
    }
  }
  report(`read at ${STEADY_RATE}/s`, costs)
  const [old = [], now = []] = waits
  console.log(`  p99 in ms: before ${old.join(" ")}; after ${now.join(" ")}`)
}

function report(what: string, [old = [], now = []]: readonly (readonly number[])[]): void {
  console.log(`${what}: median ${median(old)} µs before, ${median(now)} µs after`)
  console.log(`  before ${old.map(Math.round).join(" ")}; after ${now.map(Math.round).join(" ")}`)
}

const median = (values: readonly number[]) =>
  Math.round(values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0)

export async function prepare(build: string, env = {}): Promise<Readonly<Record<Kind, Target>>> {
  const server = await startCofferServer(env, build)
  const dataset = await createDataset(server, 1_000)
  const { projectId, slug } = dataset
  const member = await createIdentity(server, projectId, "member")
  const at = { url: server.url, pid: server.process.pid }
  const json = { "content-type": "application/json" }
  const authorization = `Bearer ${member.token}`
  const places = sample(dataset, 1_000)
  const writes = places.map(({ folder: secretPath, key }, index) => ({
    method: "PATCH" as const,
    path: `/api/v4/secrets/${key}`,
    body: JSON.stringify({ projectId, environment: "prod", secretPath, secretValue: `written-${index}` }),
  }))
  const reads = places.map(({ folder, key }) => ({
    path: `/api/v3/secrets/raw/${key}?environment=prod&secretPath=${encodeURIComponent(folder)}&workspaceSlug=${slug}&type=shared`,
  }))
  const { clientId, clientSecret } = member
  const login = {
    method: "POST" as const,
    path: "/api/v1/auth/universal-auth/login",
    body: JSON.stringify({ clientId, clientSecret }),
  }
  return {
    write: { ...at, headers: { ...json, authorization }, requests: writes },
    login: { ...at, headers: json, requests: [login] },
    read: { ...at, headers: { authorization }, requests: reads },
  }
}
