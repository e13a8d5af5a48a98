/** Schemathesis reads our API document and sends what it can think of to a real server. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import { describeWithTools, programOnPath, type Tool, trialSeed } from "@coffer/testkit"
import { afterAll, beforeAll, expect, it } from "vitest"
import { ChildProcesses } from "../apps/coffer/src/demo/processes.ts"
import { startServer } from "../apps/coffer/src/demo/restartable.ts"

const name = "schemathesis"
const hint =
  "python3 -m venv ~/.cache/coffer/schemathesis && ~/.cache/coffer/schemathesis/bin/pip install schemathesis"

/** On the PATH, or where `.ci/run` puts it. */
const schemathesis: Tool = {
  name,
  hint,
  find: () => {
    const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache")
    const installed = join(cache, "coffer", name, "bin", name)
    return existsSync(installed) ? installed : programOnPath(name, hint).find()
  },
}

/**
 * A plain 404 for a method that no route has is the contract's; and what JSON Schema cannot say (one of two fields, a
 * slug that is taken) is refused although the schema allows it: those two checks are left out.
 */
const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
  "ignored_auth",
]
/** What refuses a request that breaks the schema: its own list lacks the limits on size (413, 431). */
const refusalStatuses = [
  "400",
  "401",
  "403",
  "404",
  "405",
  "406",
  "409",
  "413",
  "415",
  "422",
  "428",
  "429",
  "431",
  "5xx",
]
/** For what it thinks of beyond the first requests to each operation. */
const budgetSeconds = 90

/** Python 3.11 fails so while it describes a deep generator; it ends the trial of one operation and says nothing of ours. */
const faultOfPython = "SystemError: AST constructor recursion depth mismatch"

type ApiDocument = { readonly paths: Readonly<Record<string, object>> }

type ReportLine = {
  readonly ScenarioFinished?: {
    readonly recorder: {
      readonly label: string
      readonly interactions: Readonly<Record<string, { readonly response: object | null }>>
    }
  }
}

describeWithTools([schemathesis], "schemathesis", () => {
  const processes = new ChildProcesses()
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-schemathesis-"))
  })
  afterAll(async () => {
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  it("reaches every operation, and finds no failure and no answer that the API document does not describe", {
    timeout: 400_000,
  }, async () => {
    const { url } = await startServer(processes, folder, { COFFER_MAX_FAILED_LOGINS: "1000000" })
    const post = async (path: string, body: object, token = "") => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${token}` }
      const answer = await fetch(`${url}/api${path}`, { method: "POST", headers, body: JSON.stringify(body) })
      expect(answer.status).toBe(200)
      // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
      return (await answer.json()) as any
    }
    const first = { email: "a@coffer.test", password: "correct horse battery", organization: "Acme" }
    const { identity, organization } = await post("/v1/admin/bootstrap", first)
    const { token } = identity.credentials
    const { project } = await post("/v1/projects", { projectName: "Billing", slug: "billing-x1" }, token)
    const place = { projectId: project.id, environment: "dev" }
    const { secret } = await post("/v4/secrets/KEY", { ...place, secretValue: "1" }, token)
    const machine = await post("/v1/identities", { name: "ci", organizationId: organization.id }, token)
    const known = {
      "path.projectId": project.id,
      "path.slug": project.slug,
      "path.secretName": "KEY",
      "path.secretId": secret.id,
      "path.identityId": machine.identity.id,
      "query.projectId": project.id,
      "query.workspaceId": project.id,
      "query.environment": "dev",
    }
    const lines = Object.entries(known).map(([field, value]) => `${JSON.stringify(field)} = "${value}"`)
    const config = join(folder, "schemathesis.toml")
    const refusals = `[checks.negative_data_rejection]\nexpected-statuses = ${JSON.stringify(refusalStatuses)}`
    await writeFile(config, `[parameters]\n${lines.join("\n")}\n\n${refusals}\n`)
    const trial = async (args: readonly string[]) => {
      const { exitCode, output } = await run([
        ...["--config-file", config, "--no-color", "run", `${url}/api/docs/json`],
        ...["--header", `Authorization: Bearer ${token}`, "--checks", checks.join(",")],
        ...["--workers", "2", "--request-timeout", "20", "--warnings", "off", ...args],
      ])
      expect(output).not.toContain("= FAILURES =")
      if (exitCode !== 0) expect(output.slice(-8_000)).toContain(faultOfPython)
    }
    const sent = join(folder, "sent.ndjson")
    const seed = String(trialSeed())
    console.info(`Schemathesis has seed ${seed}`)
    const once = ["--seed", seed, "--phases", "fuzzing", "--mode", "positive", "--max-examples", "1"]
    await trial([...once, "--report-ndjson-path", sent])
    // The document itself it has read before anything else, and tries no more.
    const expected = (await operationsOf(url)).filter((operation) => operation !== "GET /api/docs/json")
    expect(expected.length).toBeGreaterThan(200)
    expect(await operationsIn(sent)).toEqual(expected)
    await trial([
      ...["--phases", "coverage,fuzzing", "--max-examples", "3"],
      ...["--seed", seed, "--max-time", String(budgetSeconds)],
    ])
  })

  /** `METHOD /path` of everything in the API document, sorted. */
  async function operationsOf(url: string): Promise<readonly string[]> {
    const { paths } = (await (await fetch(`${url}/api/docs/json`)).json()) as ApiDocument
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    return operations.toSorted()
  }

  /** Those that were asked and answered, by its own report of what it did. */
  async function operationsIn(reportFile: string): Promise<readonly string[]> {
    const lines = (await readFile(reportFile, "utf8")).trim().split("\n")
    const answered = lines.flatMap((line) => {
      const recorder = (JSON.parse(line) as ReportLine).ScenarioFinished?.recorder
      const hasAnswer = Object.values(recorder?.interactions ?? {}).some(({ response }) => response !== null)
      return recorder !== undefined && hasAnswer ? [recorder.label] : []
    })
    return [...new Set(answered)].toSorted()
  }

  function run(
    args: readonly string[],
  ): Promise<{ readonly exitCode: number | null; readonly output: string }> {
    const child = spawn(schemathesis.find() ?? name, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text
      })
    }
    return new Promise((resolve, reject) => {
      const shortLines = () => output.replaceAll(/(.{1000}).+/g, "$1…")
      child.on("error", reject).on("close", (exitCode) => resolve({ exitCode, output: shortLines() }))
    })
  }
})
