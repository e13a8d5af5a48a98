/** `coffer operator`: the Kubernetes operator, until a signal ends it. */
import { hostname } from "node:os"
import { setFlagsFromString } from "node:v8"
import { loadClusterConfig } from "@coffer/kube-runtime"
import {
  ConfigError,
  OPERATOR_FLAGS,
  type ParsedConfig,
  parseOperatorFlags,
  runOperator,
} from "@coffer/operator"
import { Command } from "commander"
import { CommandError } from "../command-error.ts"
import type { CommandContext } from "../context.ts"
import { fromClusterError } from "../kubernetes/failure.ts"
import { createLogger } from "../logger.ts"

type Flags = { readonly kubeconfig?: string; readonly context?: string; readonly loglevel: string }

const help = `
Flags that this operator does not have are reported and ignored, so that a deployment of the External
Secrets Operator can be switched over as it stands.

Settings:
${Object.entries(OPERATOR_FLAGS)
  .map(([name, flag]) => `  --${name.padEnd(38)}${flag.help} (default "${flag.value}")`)
  .join("\n")}

Examples:
  coffer operator                                   in a cluster, or with KUBECONFIG or ~/.kube/config
  coffer operator --kubeconfig ./kubeconfig --context prod --namespace team-a
  coffer operator --enable-leader-election --concurrent 20 --loglevel debug
`

export function operatorCommand(context: CommandContext): Command {
  return new Command()
    .description("Makes Kubernetes Secrets of what ExternalSecrets declare. The CRDs must be installed.")
    .option("--kubeconfig <file>", "which cluster (default: KUBECONFIG, in-cluster, ~/.kube/config)")
    .option("--context <name>", "context of the kubeconfig")
    .option("--loglevel <level>", "trace, debug, info, warn, error or silent", "info")
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText("after", help)
    .action((flags: Flags, self: Command) => operate(context, flags, self.args))
}

async function operate(context: CommandContext, flags: Flags, args: readonly string[]): Promise<void> {
  const { terminal, signal } = context
  keepHeapSmall()
  const { config, warnings } = parseFlags(args)
  const logger = createLogger("coffer-operator", flags.loglevel)
  for (const warning of warnings) terminal.note(`warning: ${warning}`)
  try {
    const cluster = await loadClusterConfig({
      kubeconfigPath: flags.kubeconfig,
      context: flags.context,
      environment: context.config.environment,
    })
    const announce = (health: string) => {
      terminal.note(`Coffer operator is running for ${cluster.server} (${cluster.source})${health}`)
    }
    if (config.liveAddress === "") announce("")
    const identity = `${hostname()}_${context.newId()}`
    const onHealthPort = (port: number) => announce(`; /healthz and /readyz on port ${port}`)
    await runOperator({ cluster, config, logger, identity, onHealthPort }, signal)
  } catch (error) {
    throw fromClusterError(error)
  }
}

function parseFlags(args: readonly string[]): ParsedConfig {
  try {
    return parseOperatorFlags(args)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new CommandError("invalid", error.message.replaceAll("\n", "; "), { cause: error })
  }
}

/**
 * A first sync makes much short-lived garbage, and the heap would keep the room it once grew for it. The operator waits
 * for the API server most of the time: collecting more often costs it nothing that can be measured, and saves some
 * 70 MiB for ever (`npm run bench -- sync`).
 */
function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1")
  setFlagsFromString("--heap-growing-percent=25")
}
