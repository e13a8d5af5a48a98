/** `coffer projects export` and `coffer projects import`. */

import { readFile } from "node:fs/promises"
import type { ArchiveKey, ArchiveLock } from "@coffer/project-archive"
import { Command } from "commander"
import { connectToProject } from "./api-command.ts"
import { CommandError } from "./command-error.ts"
import { addConnectionOptions, type ConnectionFlags, connect } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { counted } from "./counted.ts"
import { type OutputFormat, outputOption, printJson } from "./output.ts"
import { requireWritable } from "./private-file.ts"
import { addProjectOptions, type ProjectFlags } from "./scope.ts"
import { readCredential } from "./secret-input.ts"
import { slugFor } from "./slug-argument.ts"
import { unreadableFile } from "./unreadable-file.ts"

type LockFlags = ConnectionFlags & { readonly output: OutputFormat; readonly passphraseFile?: string }
type ExportFlags = LockFlags &
  ProjectFlags & {
    readonly recipient?: readonly string[]
    readonly force?: boolean
  }
type ImportFlags = LockFlags & {
  readonly identityFile?: string
  readonly asCopy?: boolean
  readonly slug?: string
  readonly name?: string
}

const exportHelp = `
The file holds everything, other people's personal secrets included: keep it as you keep the root key.
It is an age file; the passphrase, or the age identities of the recipients, open it on any server.

Examples:
  coffer projects export billing.coffer.age --project billing-api
  coffer projects export billing.coffer.age --project billing-api --recipient age1...
`

const importHelp = `
Ids, versions and history stay as they were. Nothing is visible before everything is there, and nothing
stays when something is wrong with the file.

Examples:
  coffer projects import billing.coffer.age
  coffer projects import billing.coffer.age --identity-file key.txt
  coffer projects import billing.coffer.age --as-copy --slug billing-copy --name "Billing (copy)"
`

export function exportCommand(context: CommandContext): Command {
  return addConnectionOptions(addProjectOptions(new Command("export")))
    .argument("<file>", "where to write it; readable by you only")
    .option("--recipient <age1...>", "lock it for this age public key instead; may be repeated", collect)
    .option("--passphrase-file <file>", "file with the passphrase, - for stdin (COFFER_ARCHIVE_PASSPHRASE)")
    .option("--force", "replace a file of this name")
    .addOption(outputOption())
    .summary("write a whole project into one encrypted file")
    .description(
      "Writes a whole project with its history into one encrypted file. Needs its admin role, and a Coffer server.",
    )
    .addHelpText("after", exportHelp)
    .action((file: string, flags: ExportFlags) => exportTo(context, file, flags))
}

export function importCommand(context: CommandContext): Command {
  return addConnectionOptions(new Command("import"))
    .argument("<file>", "an archive that 'coffer projects export' wrote")
    .option("--passphrase-file <file>", "file with the passphrase, - for stdin (COFFER_ARCHIVE_PASSPHRASE)")
    .option(
      "--identity-file <file>",
      "file with age identities, for an archive that is locked for recipients",
    )
    .option("--as-copy", "give everything a new id, to have the project a second time")
    .option("--slug <slug>", "in place of the slug in the archive", slugFor("new-project", "--slug"))
    .option("--name <name>", "in place of the name in the archive")
    .addOption(outputOption())
    .summary("make a project from such a file")
    .description("Makes a project from an archive; you become its admin. Needs a Coffer server.")
    .addHelpText("after", importHelp)
    .action((file: string, flags: ImportFlags) => importFrom(context, file, flags))
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

async function exportTo(context: CommandContext, file: string, flags: ExportFlags): Promise<void> {
  const { progressOn, writeArchive } = await import("./archive-file.ts")
  const to = { field: "<file>", file, force: flags.force }
  await requireWritable(to)
  const { client, projectId } = await connectToProject(context, flags)
  const lock: ArchiveLock =
    flags.recipient === undefined
      ? { kind: "passphrase", passphrase: await passphraseFor(context, flags, true) }
      : { kind: "recipients", recipients: flags.recipient }
  const progress = progressOn(context, "Exported", flags.silent === true)
  const counts = await writeArchive(client, { projectId, to, lock }, progress)
  const versions = counts.get("secret") ?? 0
  if (flags.output === "json") return printJson(context.terminal, { file, versionsOfSecrets: versions })
  if (flags.silent !== true) {
    const opens = lock.kind === "passphrase" ? "the passphrase opens it" : "its recipients can open it"
    context.terminal.note(`Wrote ${counted(versions, "version")} of secrets to ${file}; ${opens}.`)
  }
}

async function importFrom(context: CommandContext, file: string, flags: ImportFlags): Promise<void> {
  const { lockOf, progressOn, sendArchive } = await import("./archive-file.ts")
  const key = await keyFor(context, flags, await lockOf(file))
  const { client } = await connect(context, flags)
  const { asCopy = false, slug, name } = flags
  const progress = progressOn(context, "Sent", flags.silent === true)
  const imported = await sendArchive(client, { file, key, asCopy, slug, name }, progress)
  const { project, counts, isCopy, fromProjectId } = imported
  if (flags.output === "json") {
    const { id, slug: madeSlug, name: madeName } = project
    return printJson(context.terminal, { id, slug: madeSlug, name: madeName, isCopy, fromProjectId, counts })
  }
  if (flags.silent === true) return
  const { secrets, personalSecrets, versions, environments } = counts
  const personal = personalSecrets === 0 ? "" : ` and ${personalSecrets} personal`
  context.terminal.note(
    `Project ${project.slug} is there: ${counted(secrets, "secret")}${personal} in ${counted(environments, "environment")}, ${counted(versions, "version")} in all.`,
  )
}

async function keyFor(
  context: CommandContext,
  flags: ImportFlags,
  lock: "passphrase" | "recipients",
): Promise<ArchiveKey> {
  if (flags.identityFile !== undefined) {
    return { kind: "identities", identities: await readIdentities(flags.identityFile) }
  }
  if (lock === "recipients") {
    throw new CommandError("invalid", "--identity-file is missing: the archive is locked for age recipients")
  }
  return { kind: "passphrase", passphrase: await passphraseFor(context, flags, false) }
}

async function passphraseFor(context: CommandContext, flags: LockFlags, isNew: boolean): Promise<string> {
  const passphrase = await readCredential(context, {
    question: isNew ? "New passphrase of the archive" : "Passphrase of the archive",
    file: ["--passphrase-file", flags.passphraseFile],
    variable: ["COFFER_ARCHIVE_PASSPHRASE", context.config.archivePassphrase],
    confirm: isNew,
  })
  return passphrase.reveal()
}

/** As `age-keygen` writes it: one identity per line, comments with `#`. */
async function readIdentities(file: string): Promise<readonly string[]> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw unreadableFile(`--identity-file: ${file}`, cause)
  })
  const lines = text.split("\n").map((line) => line.trim())
  const identities = lines.filter((line) => line !== "" && !line.startsWith("#"))
  if (identities.length > 0) return identities
  throw new CommandError("invalid", `--identity-file: ${file} holds no age identity`)
}
