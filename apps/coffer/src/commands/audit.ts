/** `coffer audit`: proves that the audit log is what was written, with or without a server running. */
import { readFile } from "node:fs/promises"
import {
  type AuditReport,
  type AuditTrail,
  createCheckpoint,
  openAuditTrail,
  parseCheckpoint,
  readConfig,
  type ServerConfig,
  verifyAuditLogs,
} from "@coffer/server"
import { Command } from "commander"
import { auditStreamsCommand } from "../audit-streams.ts"
import { CommandError } from "../command-error.ts"
import type { CommandContext } from "../context.ts"
import { createLogger } from "../logger.ts"
import { type OutputFormat, outputOption, printJson, showControlCharacters } from "../output.ts"
import { fromServerError } from "../server-failure.ts"

type Flags = { readonly dataDir?: string }
type VerifyFlags = Flags & { readonly checkpoint?: string; readonly output: OutputFormat }

const help = `
It reads the database itself, of the data folder or of DB_CONNECTION_URI, and needs the root key; a server
may run meanwhile. Any edit, removal or reordering inside a log is found. Cutting off its newest end can
only be found against a checkpoint that was kept elsewhere: write one now and then, and keep it away.

Examples:
  coffer audit verify
  coffer audit checkpoint > checkpoint-$(date +%F).json
  coffer audit verify --data-dir /var/lib/coffer --checkpoint checkpoint-2026-11-23.json
`

export function auditCommand(context: CommandContext): Command {
  return new Command()
    .description("Checks the audit log for edits, deletions and reordering.")
    .addCommand(verifyCommand(context))
    .addCommand(checkpointCommand(context))
    .addCommand(auditStreamsCommand(context))
    .addHelpText("after", help)
}

function verifyCommand(context: CommandContext): Command {
  return addDataOption(new Command("verify"))
    .summary("check every log; exit code 8 when something was changed")
    .description("Checks every audit log against its signed heads. Exit code 8 when something was changed.")
    .option("--checkpoint <file>", "heads that were published earlier, - for stdin")
    .addOption(outputOption())
    .addHelpText("after", help)
    .action((flags: VerifyFlags) => verify(context, flags))
}

function checkpointCommand(context: CommandContext): Command {
  return addDataOption(new Command("checkpoint"))
    .summary("print the signed heads of all logs, to be kept elsewhere")
    .description("Prints the newest head of every audit log, signed as one, as JSON.")
    .addHelpText("after", help)
    .action((flags: Flags) =>
      withTrail(context, flags, async ({ reader, signer }) => {
        printJson(context.terminal, await createCheckpoint(reader, signer, context.clock()))
      }),
    )
}

function addDataOption(command: Command): Command {
  return command.option(
    "--data-dir <folder>",
    "data folder of the server (COFFER_DATA_DIR; default ./coffer-data)",
  )
}

async function verify(context: CommandContext, flags: VerifyFlags): Promise<void> {
  const published =
    flags.checkpoint === undefined ? undefined : await readCheckpoint(context, flags.checkpoint)
  const report = await withTrail(context, flags, ({ reader, signer }) => {
    const key = signer.auditPublicKeyBytes
    const options = published === undefined ? {} : { checkpoint: parseCheckpoint(published, key) }
    return verifyAuditLogs(reader, key, options)
  })
  if (flags.output === "json") printJson(context.terminal, report)
  else presentReport(context, report)
  if (!report.isIntact) {
    const count = report.findings.length + report.findingsLeftOut
    throw new CommandError("check-failed", `the audit log was changed: ${count} findings`)
  }
}

function presentReport(context: CommandContext, report: AuditReport): void {
  const { terminal } = context
  for (const finding of report.findings) {
    // Ids come from the database, and whoever changed it may have changed them.
    terminal.print(`${finding.kind}: ${showControlCharacters(finding.message)}`)
  }
  if (report.findingsLeftOut > 0) terminal.print(`... and ${report.findingsLeftOut} more`)
  const verdict = report.isIntact ? "intact" : "CHANGED"
  terminal.print(`${report.eventsChecked} events in ${report.logs.length} logs: ${verdict}`)
}

async function withTrail<T>(
  context: CommandContext,
  flags: Flags,
  work: (trail: AuditTrail) => Promise<T>,
): Promise<T> {
  try {
    const folder = flags.dataDir === undefined ? {} : { COFFER_DATA_DIR: flags.dataDir }
    const config = readConfig({ ...context.config.environment, ...folder })
    const trail = await openAuditTrail(trailConfig(config), createLogger("coffer-audit", "silent"))
    return await work(trail).finally(() => trail.close())
  } catch (error) {
    throw fromServerError(error)
  }
}

/** The settings that say where the log is and which key opens it; an absent setting is left out. */
function trailConfig(config: ServerConfig): Parameters<typeof openAuditTrail>[0] {
  const { dataFolder, connectionUri, rootCertificatePem } = config
  const { rootEncryptionKey, encryptionKey, rootKeyFile } = config
  return {
    dataFolder,
    ...(connectionUri === undefined ? {} : { connectionUri }),
    ...(rootCertificatePem === undefined ? {} : { rootCertificatePem }),
    ...(rootEncryptionKey === undefined ? {} : { rootEncryptionKey }),
    ...(encryptionKey === undefined ? {} : { encryptionKey }),
    ...(rootKeyFile === undefined ? {} : { rootKeyFile }),
  }
}

async function readCheckpoint(context: CommandContext, file: string): Promise<string> {
  if (file === "-") return context.terminal.readInput()
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw new CommandError("invalid", `--checkpoint: ${file} cannot be read`, { cause })
  }
}
