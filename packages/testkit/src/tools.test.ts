import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const vitest = fileURLToPath(new URL("../../../node_modules/vitest/vitest.mjs", import.meta.url))
const tools = fileURLToPath(new URL("./tools.ts", import.meta.url))

/** One vitest inside of another takes its time on a busy machine. */
const processLimitMs = 110_000

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coffer-tools-test-"))
  await writeFile(join(folder, "vitest.config.mjs"), "export default {}\n")
  await writeFile(
    join(folder, "tools.test.ts"),
    `import { describeWithTools, programOnPath } from ${JSON.stringify(tools)}
    import { it } from ${JSON.stringify(fileURLToPath(import.meta.resolve("vitest")))}
    describeWithTools([programOnPath("no-such-program", "make one")], "what needs it", () => it("runs", () => {}))
    describeWithTools([programOnPath("sh", "")], "what needs sh", () => it("runs", () => {}))`,
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe("a test that needs a tool which is missing", () => {
  it("is skipped on a laptop, with the reason, and reported as skipped", () => {
    const { report, printed, exitCode } = runTests({ CI: "" })
    expect(exitCode).toBe(0)
    expect(report).toMatchObject({ numPassedTests: 1, numPendingTests: 1, numFailedTests: 0 })
    expect(printed).toContain('SKIPPED "what needs it": no-such-program is missing: make one')
  })

  it("fails on CI, with the reason", () => {
    const { report, printed, exitCode } = runTests({ CI: "true" })
    expect(exitCode).toBe(1)
    expect(report).toMatchObject({ numPassedTests: 1, numPendingTests: 0, numFailedTests: 1 })
    expect(printed).toContain("no-such-program is missing: make one")
  })
})

/** Runs the test file above in a vitest of its own. */
function runTests(environment: Record<string, string>) {
  const reportPath = join(folder, "report.json")
  rmSync(reportPath, { force: true })
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportPath}`]
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [vitest, "run", "--root", folder, ...reporters],
    {
      encoding: "utf8",
      timeout: processLimitMs,
      env: { ...process.env, ...environment },
    },
  )
  const printed = stdout + stderr
  expect(existsSync(reportPath), printed).toBe(true)
  return { report: JSON.parse(readFileSync(reportPath, "utf8")) as unknown, printed, exitCode: status }
}
