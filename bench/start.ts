/**
 * How long a server takes to be ready on an existing database of 10^5 secrets, against `node -e 0`, and what it needs
 * when idle with 10^3 secrets (design, section 8). `npm run bench -- start [secrets]` chooses another size.
 */
import { spawnSync } from "node:child_process"
import { startCofferServer } from "./coffer-server.ts"
import { createDataset } from "./dataset.ts"
import { cpuSeconds, freePort, residentMiB, startCoffer, stopAll, waitUntil } from "./processes.ts"

const rounds = 7

/** Runs the benchmark and prints differences and memory. */
export async function run(args: readonly string[]): Promise<void> {
  const size = Number(args[0] ?? 100_000)
  await withDataset(size, async (dataFolder) => {
    const base: number[] = []
    const ours: number[] = []
    const processor: number[] = []
    for (let round = 0; round < rounds; round++) {
      base.push(startNode())
      const { ms, cpuMs } = await startServer(dataFolder)
      ours.push(ms)
      processor.push(cpuMs)
    }
    const [node, coffer] = [median(base), median(ours)]
    console.log(
      `start with ${size} secrets: ready after ${coffer.toFixed(0)} ms, node -e 0 takes ${node.toFixed(0)} ms`,
    )
    console.log(`  ${(coffer - node).toFixed(0)} ms more (target < 500)`)
    console.log(`  processor time until then, all threads: ${median(processor).toFixed(0)} ms`)
  })
  await withDataset(1_000, async (dataFolder) => {
    const { idleMiB } = await startServer(dataFolder, 5_000)
    console.log(`idle with 1000 secrets: ${idleMiB.toFixed(0)} MiB resident (target < 120)`)
  })
}

async function withDataset(size: number, work: (dataFolder: string) => Promise<void>): Promise<void> {
  const server = await startCofferServer()
  try {
    await createDataset(server, size)
    await server.process.stop()
    await work(server.dataFolder)
  } finally {
    await server.close()
    await stopAll()
  }
}

function startNode(): number {
  const start = performance.now()
  spawnSync(process.execPath, ["-e", "0"])
  return performance.now() - start
}

type Start = { readonly ms: number; readonly cpuMs: number; readonly idleMiB: number }

async function startServer(dataFolder: string, idleForMs = 0): Promise<Start> {
  const port = await freePort()
  const start = performance.now()
  const started = startCoffer(["server"], {
    HOST: "127.0.0.1",
    PORT: String(port),
    COFFER_DATA_DIR: dataFolder,
  })
  const isReady = async () => (await fetch(`http://127.0.0.1:${port}/api/status`)).ok
  await waitUntil("the server answering", isReady, 60_000, 2)
  const ms = performance.now() - start
  const cpuMs = cpuSeconds(started.pid) * 1_000
  await new Promise((resolve) => setTimeout(resolve, idleForMs))
  const idleMiB = residentMiB(started.pid).now
  await started.stop()
  return { ms, cpuMs, idleMiB }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
