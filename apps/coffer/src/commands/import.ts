/** `coffer import`: a file of secrets into a folder, in one transaction. */
import { readFile } from "node:fs/promises"
import type { ImportReport } from "@coffer/client"
import { parseSecretFile, type ReadableFormat, readableFormats, SecretFileError } from "@coffer/secret-files"
import { Command, Option } from "commander"
import { CommandError } from "../command-error.ts"
import { addConnectionOptions, type ConnectionFlags, connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { type OutputFormat, outputOption, printJson, printTable } from "../output.ts"
import { addPlaceOptions, type PlaceFlags, resolvePlace } from "../scope.ts"
import { unreadableFile } from "../unreadable-file.ts"

type OnConflict = "fail" | "skip" | "overwrite"
type Flags = ConnectionFlags &
  PlaceFlags & {
    readonly format?: ReadableFormat
    readonly onConflict: OnConflict
    readonly preview?: boolean
    readonly output: OutputFormat
  }

const help = `
Examples:
  coffer import .env --project my-project --env prod --preview
  coffer import .env --project my-project --env prod --on-conflict overwrite
  coffer import tree.yaml --project my-project --env prod --path /app
`

export function importCommand(context: CommandContext): Command {
  return addConnectionOptions(addPlaceOptions(new Command()))
    .argument("<file>", "the file, - for stdin")
    .description(
      "Writes the secrets of a file, all or nothing; those that have the value already are left alone. Nested objects become folders, which are made if they are missing. Needs a Coffer server.",
    )
    .addOption(
      new Option("-f, --format <format>", "format of the file (default: by its name, else dotenv)").choices([
        ...readableFormats,
      ]),
    )
    .addOption(
      new Option("--on-conflict <mode>", "what to do with secrets that have another value")
        .choices(["fail", "skip", "overwrite"])
        .default("fail"),
    )
    .option("--preview", "print what would happen and write nothing")
    .addOption(outputOption())
    .addHelpText("after", help)
    .action((file: string, flags: Flags) => run(context, file, flags))
}

async function run(context: CommandContext, file: string, flags: Flags): Promise<void> {
  const format = flags.format ?? formatOf(file)
  const content = await read(context, file)
  check(file, format, content)
  const { client } = await connect(context, flags)
  const place = await resolvePlace(context, client, flags)
  const { onConflict } = flags
  const preview = flags.preview === true
  const report = await client.secretFiles.import(place, { format, content, onConflict, preview })
  present(context, flags, report)
}

function formatOf(file: string): ReadableFormat {
  if (/\.json$/i.test(file)) return "json"
  return /\.ya?ml$/i.test(file) ? "yaml" : "dotenv"
}

async function read(context: CommandContext, file: string): Promise<string> {
  if (file === "-") return await context.terminal.readInput()
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw unreadableFile(`the file ${file}`, cause)
  }
}

/** What cannot be read is told by its line before anything leaves this machine. */
function check(file: string, format: ReadableFormat, content: string): void {
  try {
    parseSecretFile(format, content)
  } catch (error) {
    if (error instanceof SecretFileError) throw new CommandError("invalid", `${file}: ${error.message}`)
    throw error
  }
}

/** With "fail" only a preview gets this far. */
const statuses = {
  applied: { created: "created", fail: "different", skip: "skipped", overwrite: "updated" },
  foretold: {
    created: "would be created",
    fail: "different",
    skip: "would be skipped",
    overwrite: "would be updated",
  },
} as const

function present(context: CommandContext, flags: Flags, report: ImportReport): void {
  if (flags.output === "json") {
    printJson(context.terminal, report)
    return
  }
  const status = statuses[report.isApplied ? "applied" : "foretold"]
  const rows = [
    ...report.created.map((one) => [one.secretPath, one.secretKey, status.created]),
    ...report.changed.map((one) => [one.secretPath, one.secretKey, status[flags.onConflict]]),
    ...report.unchanged.map((one) => [one.secretPath, one.secretKey, "unchanged"]),
  ]
  printTable(context.terminal, ["SECRET PATH", "SECRET NAME", "STATUS"], rows, {
    say: "The file holds no secrets.",
    silent: flags.silent,
  })
  if (!report.isApplied && flags.silent !== true) context.terminal.note("A preview: nothing was written.")
}
