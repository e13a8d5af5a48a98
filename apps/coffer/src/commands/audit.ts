/** `coffer audit`: proves that the audit log is what was written, with or without a server running. */

import { createPublicKey } from "node:crypto"
import { open } from "node:fs/promises"
import {
  type AuditReport,
  createCheckpoint,
  readPublishedHeads,
  verifyAuditExport,
  verifyAuditLogs,
} from "@coffer/server"
import { Command } from "commander"
import { auditExportCommand } from "../audit-export.ts"
import { presentReport } from "../audit-report.ts"
import { auditStreamsCommand } from "../audit-streams.ts"
import { addDataOption, type TrailFlags, withTrail } from "../audit-trail.ts"
import { CommandError } from "../command-error.ts"
import type { CommandContext } from "../context.ts"
import { counted } from "../counted.ts"
import { type OutputFormat, outputOption, printJson } from "../output.ts"
import { fromServerError } from "../server-failure.ts"
import { unreadableFile } from "../unreadable-file.ts"

type VerifyFlags = TrailFlags & {
  readonly checkpoint?: string
  readonly export?: string
  readonly publicKey?: string
  readonly output: OutputFormat
}

const help = `
It reads the database itself, of the data folder or of DB_CONNECTION_URI, and needs the root key; a server
may run meanwhile. Any edit, removal or reordering inside a log is found. Cutting off its newest end can
only be found against a checkpoint that was kept elsewhere: write one now and then, and keep it away.

Examples:
  coffer audit verify
  coffer audit checkpoint > checkpoint-$(date +%F).json
  coffer audit verify --data-dir /var/lib/coffer --checkpoint checkpoint-2026-11-23.json
  coffer audit export --from "30 days ago" --output-file november.ndjson
  coffer audit verify --export november.ndjson --public-key audit-key.pem
`

export function auditCommand(context: CommandContext): Command {
  return new Command()
    .description("Checks, exports and publishes the audit log.")
    .addCommand(verifyCommand(context))
    .addCommand(checkpointCommand(context))
    .addCommand(auditExportCommand(context))
    .addCommand(publicKeyCommand(context))
    .addCommand(auditStreamsCommand(context))
    .addHelpText("after", help)
}

function verifyCommand(context: CommandContext): Command {
  return addDataOption(new Command("verify"))
    .summary("check every log; exit code 8 when something was changed")
    .description("Checks every audit log against its signed heads. Exit code 8 when something was changed.")
    .option(
      "--checkpoint <file>",
      "heads that were published earlier: a checkpoint, or what a stream carried; - for stdin",
    )
    .option("--export <file>", "check this export instead of the database")
    .option("--public-key <file>", "with --export: the key to check with, instead of the data folder")
    .addOption(outputOption())
    .addHelpText("after", help)
    .action((flags: VerifyFlags) => verify(context, flags))
}

function checkpointCommand(context: CommandContext): Command {
  return addDataOption(new Command("checkpoint"))
    .summary("print the signed heads of all logs, to be kept elsewhere")
    .description("Prints the newest head of every audit log, signed as one, as JSON.")
    .addHelpText("after", help)
    .action((flags: TrailFlags) =>
      withTrail(context, flags, async ({ reader, signer }) => {
        printJson(context.terminal, await createCheckpoint(reader, signer, context.clock()))
      }),
    )
}

function publicKeyCommand(context: CommandContext): Command {
  return addDataOption(new Command("public-key"))
    .summary("print the key that exports are checked with")
    .description("Prints the public key of the signatures, as PEM. It is no secret.")
    .action((flags: TrailFlags) =>
      withTrail(context, flags, async ({ signer }) => {
        const key = Buffer.from(signer.auditPublicKeyBytes)
        const pem = createPublicKey({ key, format: "der", type: "spki" }).export({
          format: "pem",
          type: "spki",
        })
        context.terminal.print(String(pem).trimEnd())
      }),
    )
}

async function verify(context: CommandContext, flags: VerifyFlags): Promise<void> {
  const report =
    flags.export === undefined
      ? await withTrail(context, flags, async ({ reader, signer }) => {
          const heads = await readHeads(context, flags, signer.auditPublicKeyBytes)
          return verifyAuditLogs(reader, signer.auditPublicKeyBytes, { checkpoint: { heads } })
        })
      : await verifyExport(context, flags, flags.export)
  if (flags.output === "json") printJson(context.terminal, report)
  else presentReport(context.terminal, report)
  if (!report.isIntact) {
    const count = report.findings.length + report.findingsLeftOut
    throw new CommandError("check-failed", `the audit log was changed: ${counted(count, "finding")}`)
  }
}

/** Needs no database, and no root key when the public key is given. */
async function verifyExport(context: CommandContext, flags: VerifyFlags, file: string): Promise<AuditReport> {
  const key =
    flags.publicKey === undefined
      ? await withTrail(context, flags, async ({ signer }) => signer.auditPublicKeyBytes)
      : readPublicKey(await readText("--public-key", flags.publicKey))
  try {
    return await verifyAuditExport(linesOf("--export", file), key, await readHeads(context, flags, key))
  } catch (error) {
    throw fromServerError(error)
  }
}

async function readHeads(context: CommandContext, { checkpoint }: VerifyFlags, key: Uint8Array) {
  if (checkpoint === undefined) return []
  const text = checkpoint === "-" ? (await context.terminal.readInput()).split("\n") : undefined
  return await readPublishedHeads(text ?? linesOf("--checkpoint", checkpoint), key)
}

/** A file may be larger than memory: it is read line by line. */
async function* linesOf(field: string, file: string): AsyncGenerator<string> {
  try {
    const handle = await open(file)
    yield* handle.readLines({ encoding: "utf8" })
  } catch (cause) {
    throw unreadableFile(`${field}: ${file}`, cause)
  }
}

async function readText(field: string, file: string): Promise<string> {
  const lines: string[] = []
  for await (const line of linesOf(field, file)) if (lines.push(line) > 100) break
  return lines.join("\n")
}

function readPublicKey(pem: string): Uint8Array {
  try {
    return createPublicKey(pem).export({ format: "der", type: "spki" })
  } catch (cause) {
    const message = "--public-key: expected what 'coffer audit public-key' prints"
    throw new CommandError("invalid", message, { cause })
  }
}
