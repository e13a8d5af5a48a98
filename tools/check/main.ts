/**
 * `npm run check`: everything that can be judged without running the product. Each step runs even when
 * an earlier one failed, so that one run shows all there is to mend.
 */
import { spawnSync } from "node:child_process"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..")
const bin = (name: string) => join(root, "node_modules", name)

const steps: readonly (readonly [title: string, ...command: string[]])[] = [
  ["types", process.execPath, bin("typescript/bin/tsc"), "-p", "tsconfig.json"],
  ["format and lint", process.execPath, bin("@biomejs/biome/bin/biome"), "check", "--error-on-warnings", "."],
  ["import rules", process.execPath, join(root, "tools/boundaries/main.ts")],
  ["dead code", process.execPath, bin("knip/bin/knip.js"), "--no-progress"],
  ["workspaces", bin(".bin/sherif"), "--fail-on-warnings", "-r", "root-package-manager-field"],
  ["repository", process.execPath, join(root, "tools/check/repository.ts")],
]

const failed: string[] = []
for (const [title, command, ...args] of steps) {
  process.stdout.write(`\n== ${title}\n`)
  const result = spawnSync(command as string, args, { cwd: root, stdio: "inherit" })
  if (result.status !== 0) failed.push(title)
}
process.stdout.write(
  failed.length === 0 ? `\n${steps.length} checks passed\n` : `\nfailed: ${failed.join(", ")}\n`,
)
process.exitCode = failed.length === 0 ? 0 : 1
