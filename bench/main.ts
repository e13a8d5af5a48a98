/**
 * `npm run bench -- <name>`: one benchmark, its baseline in the same run, ratios at the end.
 */
const benchmarks: Readonly<Record<string, () => Promise<{ run(args: readonly string[]): Promise<void> }>>> = {
  reads: () => import("./reads.ts"),
  sync: () => import("./sync.ts"),
}

const [name = "", ...args] = process.argv.slice(2)
const load = benchmarks[name]
if (load === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benchmarks).join("|")}`)
  process.exitCode = 2
} else {
  await (await load()).run(args)
}
