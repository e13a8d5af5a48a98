/**
 * `npm run bench -- <name>`: one benchmark, its baseline in the same run, ratios at the end.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { repositoryRoot } from "./processes.ts"

const benchmarks: Readonly<Record<string, () => Promise<{ run(args: readonly string[]): Promise<void> }>>> = {
  archives: () => import("./archives.ts"),
  builds: () => import("./builds.ts"),
  reads: () => import("./reads.ts"),
  start: () => import("./start.ts"),
  sync: () => import("./sync.ts"),
  waits: () => import("./waits.ts"),
  writes: () => import("./writes.ts"),
}

const [name = "", ...args] = process.argv.slice(2)
const load = benchmarks[name]
if (load === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benchmarks).join("|")}`)
  process.exitCode = 2
} else {
  const built = spawnSync(process.execPath, [join(repositoryRoot, "tools/build/main.ts")], {
    stdio: "inherit",
  })
  if (built.status !== 0) throw new Error("the product does not compile")
  await (await load()).run(args)
}
