/** `coffer server`: the secret manager, until a signal ends it. */
import { resolve } from "node:path"
import {
  readConfig,
  reportConfig,
  type ServerConfig,
  startServer,
  systemClock,
  systemRandom,
} from "@coffer/server"
import { Command } from "commander"
import type { CommandContext } from "../context.ts"
import { createLogger } from "../logger.ts"
import { type OutputFormat, outputOption, printJson, printTable } from "../output.ts"
import { fromServerError } from "../server-failure.ts"

type Flags = { readonly host?: string; readonly port?: string; readonly dataDir?: string }

const help = `
Everything has a default that works on a laptop: an embedded database and a root key, both in the data
folder. Settings are environment variables; those of Infisical are understood: HOST, PORT, SITE_URL,
DB_CONNECTION_URI (PostgreSQL instead of the embedded database), ENCRYPTION_KEY or ROOT_ENCRYPTION_KEY,
AUTH_SECRET, TRUSTED_PROXY_CIDRS, CORS_ALLOWED_ORIGINS; each also as <NAME>_FILE. 'coffer server config print'
lists them all, with what counts and where it comes from.
COFFER_AUDIT_STREAM_FILE=<file> and COFFER_AUDIT_STREAM_STDOUT=true publish the audit log there as lines of JSON.
COFFER_RATE_LIMITS=on limits requests per caller and minute; COFFER_LOG_REQUESTS=true logs each request.
SMTP_HOST, SMTP_PORT, SMTP_USERNAME, SMTP_PASSWORD, SMTP_FROM_ADDRESS, SMTP_FROM_NAME: how mails are sent.

Examples:
  coffer server
  coffer server --port 9000 --data-dir /var/lib/coffer
  DB_CONNECTION_URI_FILE=/run/secrets/db HOST=0.0.0.0 coffer server
`

export function serverCommand(context: CommandContext): Command {
  return new Command()
    .description("Runs the secret manager. Ctrl-C or SIGTERM ends it in order, a second one at once.")
    .option("--host <address>", "address to listen on (HOST; default 127.0.0.1)")
    .option("--port <number>", "port to listen on, 0 for a free one (PORT; default 8080)")
    .option("--data-dir <folder>", "embedded database and root key (COFFER_DATA_DIR; default ./coffer-data)")
    .addHelpText("after", help)
    .action((flags: Flags) => serve(context, flags))
    .addCommand(configCommand(context))
}

function configCommand(context: CommandContext): Command {
  const print = new Command("print")
    .summary("print every setting with what counts and where it comes from; secrets are left out")
    .addOption(outputOption())
    .action((_: object, command: Command) => printConfig(context, command.optsWithGlobals()))
  return new Command("config").summary("the configuration of a server").addCommand(print)
}

function printConfig(context: CommandContext, flags: Flags & { readonly output: OutputFormat }): void {
  try {
    const settings = reportConfig(withFlags(context, flags)).map((setting) => {
      const flag = variableOfFlag.find(([name, variable]) => setting.source === variable && name in flags)
      return flag === undefined ? setting : { ...setting, source: flag[2] }
    })
    if (flags.output === "json") {
      printJson(context.terminal, settings)
      return
    }
    const rows = settings.map(({ name, value, source }) => [
      name,
      value?.replaceAll("`", "") ?? "",
      source ?? (value === null ? "" : "default"),
    ])
    printTable(context.terminal, ["SETTING", "VALUE", "FROM"], rows)
  } catch (error) {
    throw fromServerError(error)
  }
}

async function serve(context: CommandContext, flags: Flags): Promise<void> {
  const { terminal, signal } = context
  try {
    const config = readConfig(withFlags(context, flags))
    const server = await startServer(config, {
      clock: systemClock,
      random: systemRandom,
      log: createLogger("coffer-server", config.logLevel),
      announce: (text) => terminal.note(text),
      output: process.stdout,
    })
    terminal.note(`Coffer is listening on ${server.url}; ${describeData(config)}`)
    await untilAborted(signal)
    terminal.note("Coffer is stopping")
    await server.close()
  } catch (error) {
    throw fromServerError(error)
  }
}

const variableOfFlag = [
  ["host", "COFFER_HOST", "--host"],
  ["port", "COFFER_PORT", "--port"],
  ["dataDir", "COFFER_DATA_DIR", "--data-dir"],
] as const

/** A flag counts as the variable that wins over all other names of the setting. */
function withFlags(context: CommandContext, flags: Flags): CommandContext["config"]["environment"] {
  const given = variableOfFlag.flatMap(([flag, variable]) => {
    const value = flags[flag]
    return value === undefined ? [] : [[variable, value] as const]
  })
  return { ...context.config.environment, ...Object.fromEntries(given) }
}

function describeData(config: ServerConfig): string {
  const { connectionUri, rootEncryptionKey, encryptionKey, rootKeyFile } = config
  const folder = resolve(config.dataFolder)
  const where = connectionUri === undefined ? `data in ${folder}` : "data in PostgreSQL"
  const hasOwnKey = [rootEncryptionKey, encryptionKey, rootKeyFile].some((source) => source !== undefined)
  if (hasOwnKey) return where
  return `${where}. Back up ${folder}/root.key apart from the database: without it nothing can be opened`
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true })
  })
}
