/** `coffer export`: a folder as a file, with the flags of the Infisical command line. */

import type { CofferClient, FolderPlace, ListOptions, Secret } from "@coffer/client"
import { formatSecretFile, SecretFileError, type WritableFormat, writableFormats } from "@coffer/secret-files"
import { Command, Option } from "commander"
import { CommandError } from "../command-error.ts"
import { addConnectionOptions, type ConnectionFlags, connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { counted } from "../counted.ts"
import { refuseUnreadable, requireReadable } from "../hidden-values.ts"
import { type ListedSecret, mergeImports } from "../merge-imports.ts"
import { requireWritable, writePrivateFile } from "../private-file.ts"
import { addPlaceOptions, type PlaceFlags, resolvePlace } from "../scope.ts"

type Flags = ConnectionFlags &
  PlaceFlags & {
    readonly format: WritableFormat
    readonly outputFile?: string
    readonly force?: boolean
    readonly expand: "true" | "false"
    readonly includeImports: "true" | "false"
    readonly recursive?: boolean
    readonly tags?: string
  }

const help = `
Examples:
  coffer export --project my-project --env prod > .env
  coffer export --project my-project --env prod --format dotenv-export --output-file secrets.sh
  coffer export --project my-project --env prod --format yaml --recursive
`

export function exportCommand(context: CommandContext): Command {
  const boolean = (flag: string, description: string) =>
    new Option(`${flag} [boolean]`, description).choices(["true", "false"]).default("true").preset("true")
  return addConnectionOptions(addPlaceOptions(new Command()))
    .description(
      "Prints the secrets of a folder as a file, or writes it so that only its owner can read it. A value that may not be read fails the whole export.",
    )
    .addOption(
      new Option("-f, --format <format>", "format of the file")
        .choices([...writableFormats])
        .default("dotenv"),
    )
    .option("--output-file <file>", "write here, with mode 0600, instead of stdout")
    .option("--force", "replace a file of this name")
    .addOption(boolean("--expand", "expand references such as ${OTHER}"))
    .addOption(boolean("--include-imports", "include imported secrets"))
    .option("--recursive", "include the folders below; json and yaml keep them apart")
    .option("-t, --tags <slugs>", "only secrets with any of these tags, comma separated")
    .addHelpText("after", help)
    .action((flags: Flags) => run(context, flags))
}

async function run(context: CommandContext, flags: Flags): Promise<void> {
  const { outputFile, force } = flags
  const to = outputFile === undefined ? undefined : { field: "--output-file", file: outputFile, force }
  if (to !== undefined) await requireWritable(to)
  const { client } = await connect(context, flags)
  const place = await resolvePlace(context, client, flags)
  const which = { recursive: flags.recursive === true, tagSlugs: flags.tags }
  const named = which.recursive ? await listNames(client, place, which) : []
  const list = await client.secrets.list(place, {
    includeImports: flags.includeImports === "true",
    expandSecretReferences: flags.expand === "true",
    ...which,
  })
  requireWhole(named, list.secrets)
  const own = new Set(list.secrets)
  const secrets = mergeImports(list)
  requireReadable(secrets, "nothing was exported")
  const isOwn = (secret: ListedSecret) => own.has(secret as (typeof list.secrets)[number])
  const content = format(
    flags.format,
    secrets.map((secret) => ({
      path: isOwn(secret) ? pathInside(place, secret.secretPath) : "/",
      key: secret.secretKey,
      value: secret.secretValue,
      comment: secret.secretComment,
    })),
  )
  if (to === undefined) {
    // A path with a typo is an empty folder to every server of the contract.
    if (secrets.length === 0 && flags.silent !== true) {
      context.terminal.note(`No secrets in ${place.secretPath} of ${place.environment}.`)
    }
    if (content !== "") context.terminal.print(content.replace(/\n$/, ""))
    return
  }
  await writePrivateFile(to, [content])
  if (flags.silent !== true) {
    context.terminal.note(`Wrote ${counted(secrets.length, "secret")} to ${to.file}.`)
  }
}

/** A recursive list leaves out what may not be read; without values it names all. */
async function listNames(client: CofferClient, place: FolderPlace, which: ListOptions) {
  const options = { ...which, includeImports: false, expandSecretReferences: false, viewSecretValue: false }
  return (await client.secrets.list(place, options)).secrets
}

/** A file with gaps would be taken for the whole. */
function requireWhole(named: readonly Secret[], listed: readonly Secret[]): void {
  const shown = new Set(listed.map(({ id }) => id))
  refuseUnreadable(
    named.filter(({ id }) => !shown.has(id)),
    "nothing was exported",
  )
}

function format(name: WritableFormat, entries: Parameters<typeof formatSecretFile>[1]): string {
  try {
    return formatSecretFile(name, entries)
  } catch (error) {
    if (error instanceof SecretFileError)
      throw new CommandError("invalid", `--format ${name}: ${error.message}`)
    throw error
  }
}

/** The folder of a secret as the file names it: below the folder that is exported. */
function pathInside(place: FolderPlace, path: string): string {
  const top = place.secretPath.replace(/\/+$/, "")
  return path.slice(top.length) || "/"
}
