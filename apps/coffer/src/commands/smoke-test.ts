/** `coffer smoke-test`: one secret's way from the server into the cluster, tried out and taken back. */
import { createKubeClient, loadClusterConfig, systemClock } from "@coffer/kube-runtime"
import { Command, Option } from "commander"
import { CommandError } from "../command-error.ts"
import { addConnectionOptions, type ConnectionFlags, connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { fromClusterError } from "../kubernetes/failure.ts"
import { renderTable } from "../kubernetes/table.ts"
import { type OutputFormat, outputOption, printJson } from "../output.ts"
import { addPlaceOptions, type PlaceFlags, resolvePlace } from "../scope.ts"
import {
  EXTERNAL_SECRET_NAME,
  runSmokeTest,
  type SmokeTestResult,
  TARGET_KEY,
  TARGET_NAME,
} from "../smoke-test/smoke-test.ts"

type Flags = ConnectionFlags &
  PlaceFlags & {
    readonly url?: string
    readonly namespace: string
    readonly store: string
    readonly storeKind: "ClusterSecretStore" | "SecretStore"
    readonly key: string
    readonly kubeconfig?: string
    readonly context?: string
    readonly timeout: number
    readonly output: OutputFormat
  }

const TEST_VALUE = "hello-from-infisical"
const DEFAULT_ENVIRONMENT = "prod"

const help = `
It creates the key on the server, applies an ExternalSecret in the namespace, waits for the operator that
runs in the cluster, prints what kubectl would, compares, and deletes what it made: also after a failure
and on Ctrl-C. A key, namespace or object that exists already is left alone.

The store must read the same project, environment and folder. The login needs the right to write there
(role member or admin): the store's own identity, a viewer, has not.

Examples:
  coffer smoke-test --project frank-cluster-iwpg
  coffer smoke-test --project frank-cluster-iwpg --env staging --store infisical-staging --namespace check
  coffer smoke-test --project frank-cluster-iwpg --kubeconfig ./kubeconfig --context prod --output json
`

export function smokeTestCommand(context: CommandContext): Command {
  const command = new Command()
    .description("Checks that a secret travels from the server into the cluster.")
    .option("--url <url>", "another name of --domain")
    .option("--store <name>", "the store to use", "infisical")
    .addOption(
      new Option("--store-kind <kind>", "kind of the store")
        .choices(["ClusterSecretStore", "SecretStore"])
        .default("ClusterSecretStore"),
    )
    .option(
      "-n, --namespace <name>",
      "namespace for the objects; made and deleted if it does not exist",
      "secrets-test",
    )
    .option("--key <name>", "name of the key on the server", "CLUSTER_TEST_KEY")
    .option("--kubeconfig <file>", "which cluster (default: KUBECONFIG, in-cluster, ~/.kube/config)")
    .option("--context <name>", "context of the kubeconfig")
    .option("--timeout <seconds>", "how long to wait for the operator", wholeSeconds, 60)
    .addOption(outputOption())
    .addHelpText("after", help)
  return addConnectionOptions(addPlaceOptions(command, DEFAULT_ENVIRONMENT)).action((flags: Flags) =>
    smokeTest(context, flags),
  )
}

async function smokeTest(context: CommandContext, flags: Flags): Promise<void> {
  const domain = flags.url ?? flags.domain
  // This client outlives Ctrl-C, because it deletes the key that it made.
  const untilDone = { ...context, signal: new AbortController().signal }
  const { client } = await connect(untilDone, { ...flags, ...(domain === undefined ? {} : { domain }) })
  const env = flags.env ?? context.config.environmentSlug ?? DEFAULT_ENVIRONMENT
  const place = await resolvePlace(context, client, { ...flags, env })
  try {
    const kube = createKubeClient(await findCluster(context, flags), { userAgent: "coffer-smoke-test" })
    const deps = {
      client,
      kube,
      clock: systemClock,
      signal: context.signal,
      report: (line: string) => {
        if (flags.silent !== true) context.terminal.note(line)
      },
    }
    const options = {
      place,
      key: flags.key,
      value: TEST_VALUE,
      namespace: flags.namespace,
      store: { name: flags.store, kind: flags.storeKind },
      timeoutMs: flags.timeout * 1000,
    }
    const result = await runSmokeTest(deps, options).finally(() => kube.close())
    present(context, flags, result)
    judge(result)
  } catch (error) {
    throw fromClusterError(error)
  }
}

function findCluster(context: CommandContext, flags: Flags) {
  return loadClusterConfig({
    kubeconfigPath: flags.kubeconfig,
    context: flags.context,
    environment: context.config.environment,
  })
}

function present(context: CommandContext, flags: Flags, result: SmokeTestResult): void {
  const { terminal } = context
  if (flags.output === "json") {
    const { table, value, differences, leftovers } = result
    printJson(terminal, { isPassed: differences.length === 0, table, value, differences, leftovers })
    return
  }
  const { namespace } = flags
  terminal.print(`$ kubectl get externalsecret ${EXTERNAL_SECRET_NAME} -n ${namespace}`)
  terminal.print(renderTable(result.table))
  terminal.print("")
  terminal.print(
    `$ kubectl get secret ${TARGET_NAME} -n ${namespace} -o jsonpath='{.data.${TARGET_KEY}}' | base64 -d`,
  )
  terminal.print(result.value)
}

function judge(result: SmokeTestResult): void {
  if (result.differences.length > 0) throw new CommandError("check-failed", result.differences.join("; "))
  if (result.leftovers.length > 0) {
    throw new CommandError("check-failed", `passed, but left behind: ${result.leftovers.join("; ")}`)
  }
}

function wholeSeconds(text: string): number {
  const seconds = Number(text)
  if (!/^\d{1,5}$/.test(text) || seconds < 1) {
    throw new CommandError("invalid", "--timeout: expected a whole number of seconds, at least 1")
  }
  return seconds
}
