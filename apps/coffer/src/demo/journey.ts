/**
 * What the documentation tells, step by step, with the commands that a user would type: project, identity,
 * credentials, store, secrets, ExternalSecrets, and the two outputs of its smoke test.
 */
import { SECRETS, systemClock } from "@coffer/kube-runtime"
import { EXTERNAL_SECRETS, readyCondition } from "../kubernetes/resources.ts"
import { parsePrintedTable, type Table } from "../kubernetes/table.ts"
import { waitUntil } from "../kubernetes/wait-until.ts"
import { judgeTable } from "../smoke-test/judge-table.ts"
import { kubectlGetTable, kubectlGetValue } from "./kubectl.ts"
import { applyManifest, ensureNamespace, readSeed, withHostApi } from "./manifests.ts"
import { runCoffer } from "./processes.ts"
import type { Sandbox } from "./sandbox.ts"

const PROJECT_NAME = "frank-cluster"
export const PROJECT_SLUG = "frank-cluster-iwpg"
const IDENTITY_NAME = "eso-cluster-reader"
export const TEST_NAMESPACE = "secrets-test"
const TEST_VALUE = "hello-from-infisical"
const DATABASE_URL = "postgres://app:demo@db.internal:5432/app"
const CREDENTIALS_NAMESPACE = "external-secrets"
const ENVIRONMENT = "prod"
const SYNC_TIMEOUT_MS = 60_000

export type JourneyReport = {
  /** A step begins. */
  readonly step: (line: string) => void
  /** A command that a user would type. */
  readonly command: (line: string) => void
}

export type JourneyResult = {
  readonly printedTable: string
  readonly printedValue: string
  /** Empty when both outputs are as documented. */
  readonly differences: readonly string[]
}

export type Traveller = {
  readonly report: JourneyReport
  readonly signal: AbortSignal
  /** Of the first user, who is not heard of again. */
  readonly password: string
}

/** Sets up project, identity and secrets on the server, and the store and its credentials in the cluster. */
export async function provision(sandbox: Sandbox, traveller: Traveller): Promise<void> {
  const { report, password } = traveller
  const { kube } = sandbox
  const coffer = commandRunner(sandbox, traveller)
  report.step("setting up the server")
  await coffer(
    ["bootstrap", "--email", "admin@coffer.test", "--organization", "Frank", "--password-file", "-"],
    { stdin: password },
  )
  await coffer(["projects", "create", PROJECT_NAME, "--slug", PROJECT_SLUG])
  const scope = ["--project", PROJECT_SLUG]
  const credentials = await coffer([
    ...["identities", "create", IDENTITY_NAME, ...scope, "--role", "viewer", "--silent"],
    ...["--output", "k8-secret", "--k8-secret-namespace", CREDENTIALS_NAMESPACE],
  ])
  await coffer(["secrets", "set", "--file", "-", ...scope, "--env", ENVIRONMENT], {
    stdin: `CLUSTER_TEST_KEY=${TEST_VALUE}\nDATABASE_URL=${DATABASE_URL}\n`,
  })
  report.step("applying the manifests of the documentation")
  await ensureNamespace(kube, CREDENTIALS_NAMESPACE)
  await ensureNamespace(kube, TEST_NAMESPACE)
  await applyManifest(kube, credentials)
  await applyManifest(kube, withHostApi(readSeed("cluster-secret-store"), `${sandbox.server.url}/api`))
  await applyManifest(kube, readSeed("external-secret"))
  await applyManifest(kube, readSeed("smoke-test"))
}

/** Waits for both Secrets and takes the two outputs of the smoke test. */
export async function observe(sandbox: Sandbox, traveller: Traveller): Promise<JourneyResult> {
  const { report, signal } = traveller
  report.step("waiting for the operator")
  await waitForReady(sandbox, { namespace: "default", name: "my-app-secrets" }, signal)
  await waitForReady(sandbox, { namespace: TEST_NAMESPACE, name: "cluster-test" }, signal)
  const databaseUrl = await readValue(
    sandbox,
    { namespace: "default", name: "my-app-secrets" },
    "DATABASE_URL",
  )
  const printedTable = await kubectlGetTable(sandbox, TEST_NAMESPACE, "cluster-test")
  const printedValue = await kubectlGetValue(sandbox, TEST_NAMESPACE, "cluster-test-secret", "testValue")
  return { printedTable, printedValue, differences: judge(printedTable, printedValue, databaseUrl) }
}

function judge(printedTable: string, printedValue: string, databaseUrl: string): readonly string[] {
  const documented: Table = parsePrintedTable(documentedTable())
  const differences = [...judgeTable(parsePrintedTable(printedTable), documented.rows[0] ?? [])]
  if (printedValue !== TEST_VALUE)
    differences.push(`the value is "${printedValue}" instead of "${TEST_VALUE}"`)
  if (databaseUrl !== DATABASE_URL)
    differences.push("my-app-secrets does not hold DATABASE_URL as it was set")
  return differences
}

/** The expected output stands in the comments of the smoke test's manifest. */
function documentedTable(): string {
  return readSeed("smoke-test")
    .split("\n")
    .filter((line) => /^# (NAME|cluster-test) /.test(line))
    .map((line) => line.slice(2))
    .join("\n")
}

type ObjectName = { readonly namespace: string; readonly name: string }

async function waitForReady(sandbox: Sandbox, key: ObjectName, signal: AbortSignal): Promise<void> {
  let lastSeen = "no condition"
  await waitUntil(
    async () => {
      const condition = readyCondition(await sandbox.kube.get(EXTERNAL_SECRETS, key, { signal }))
      if (condition !== undefined) lastSeen = `${condition.reason ?? ""}: ${condition.message ?? ""}`
      return condition?.status === "True" ? condition : undefined
    },
    {
      clock: systemClock,
      signal,
      timeoutMs: SYNC_TIMEOUT_MS,
      intervalMs: 100,
      what: `ExternalSecret ${key.namespace}/${key.name} to be ready`,
      lastSeen: () => lastSeen,
    },
  )
}

async function readValue(sandbox: Sandbox, key: ObjectName, field: string): Promise<string> {
  const secret = await sandbox.kube.get(SECRETS, key)
  return Buffer.from(secret.data?.[field] ?? "", "base64").toString("utf8")
}

/** Runs `coffer`, shows what was typed, and returns what it printed. @throws when it fails */
function commandRunner(sandbox: Sandbox, { report, signal }: Traveller) {
  return async (args: readonly string[], options: { readonly stdin?: string } = {}): Promise<string> => {
    report.command(`coffer ${args.join(" ")}`)
    const { exitCode, stdout, stderr } = await runCoffer(args, sandbox.server.env, { ...options, signal })
    if (exitCode !== 0) throw new Error(`coffer ${args[0] ?? ""} ended with ${exitCode}: ${stderr.trim()}`)
    return stdout
  }
}
