/**
 * Runs every test. On CI the counts also go to `.coffer/test-report.json`, which `.ci/run` reads.
 * Arguments are handed to vitest: `npm test -- packages/envelope`.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..")
const args = [join(root, "node_modules/vitest/vitest.mjs"), "run", ...process.argv.slice(2)]
if (process.env.CI === "true") {
  mkdirSync(join(root, ".coffer"), { recursive: true })
  args.push(
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${join(root, ".coffer/test-report.json")}`,
  )
}
const result = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" })
process.exitCode = result.status ?? 1
