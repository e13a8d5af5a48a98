/** `coffer secrets move`, `copy` and `rename`: each all or nothing. */
import type { CofferClient, FolderPlace } from "@coffer/client"
import { Command, Option } from "commander"
import { CommandError } from "./command-error.ts"
import { addConnectionOptions, type ConnectionFlags, connect } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { type OutputFormat, outputOption, printJson, printTable } from "./output.ts"
import { withParentFlags } from "./parent-flags.ts"
import { addPlaceOptions, type PlaceFlags, resolvePlace } from "./scope.ts"

type Flags = ConnectionFlags & PlaceFlags & { readonly output: OutputFormat }
type MoveFlags = Flags & { readonly toEnv?: string; readonly toPath?: string; readonly overwrite?: boolean }
type CopyFlags = Omit<MoveFlags, "overwrite"> & {
  readonly onConflict: "fail" | "skip" | "overwrite"
  readonly all?: boolean
  readonly recursive?: boolean
}
type RenameFlags = Flags & { readonly everywhere?: boolean }

const moveHelp = `
Examples:
  coffer secrets move DB_URL DB_PASSWORD --project my-project --env dev --to-path /database
  coffer secrets move API_KEY --project my-project --env dev --to-env prod --overwrite
`
const copyHelp = `
Examples:
  coffer secrets copy API_KEY --project my-project --env dev --to-env prod
  coffer secrets copy --all --recursive --project my-project --env staging --to-env prod --on-conflict skip
`
const renameHelp = `
Examples:
  coffer secrets rename DB_URL DATABASE_URL --project my-project --env dev
  coffer secrets rename DB_URL DATABASE_URL --everywhere --project my-project
`

export function secretTransferCommands(context: CommandContext): readonly Command[] {
  const move = withDestination(withScope(new Command("move")))
    .argument("<names...>", "keys of the secrets")
    .summary("move secrets to another environment or folder")
    .description("Moves secrets with their ids and histories, all or none.")
    .option("--overwrite", "replace what the destination holds under these names")
    .addHelpText("after", moveHelp)
  const copy = withDestination(withScope(new Command("copy")))
    .argument("[names...]", "keys of the secrets")
    .summary("copy secrets to another environment or folder")
    .description("Copies secrets, all or none. Needs a Coffer server.")
    .option("--all", "everything that the folder holds")
    .option("--recursive", "with --all, also what the folders below hold")
    .addOption(
      new Option("--on-conflict <mode>", "what to do when the destination has a secret of that name")
        .choices(["fail", "skip", "overwrite"])
        .default("fail"),
    )
    .addHelpText("after", copyHelp)
  const rename = withScope(new Command("rename"))
    .argument("<name>", "key of the secret")
    .argument("<new-name>", "its new key")
    .summary("rename a secret")
    .description("Gives a secret a new key; its id and history stay. Needs a Coffer server.")
    .option("--everywhere", "in all environments that have it in this folder, all or none")
    .addHelpText("after", renameHelp)
  return [
    withParentFlags(move, (flags: MoveFlags, names) => moveSecrets(context, flags, names)),
    withParentFlags(copy, (flags: CopyFlags, names) => copySecrets(context, flags, names)),
    withParentFlags(rename, (flags: RenameFlags, [name = "", newName = ""]) =>
      renameSecret(context, flags, { name, newName }),
    ),
  ]
}

function withScope(command: Command): Command {
  return addConnectionOptions(addPlaceOptions(command)).addOption(outputOption())
}

function withDestination(command: Command): Command {
  return command
    .option("--to-env <slug>", "environment to go to; the same one when only --to-path is given")
    .option("--to-path <path>", "folder to go to, which must exist; the same one when only --to-env is given")
}

async function open(context: CommandContext, flags: MoveFlags | CopyFlags) {
  const { client } = await connect(context, flags)
  const source = await resolvePlace(context, client, flags)
  const destination = {
    environment: flags.toEnv ?? source.environment,
    secretPath: flags.toPath ?? source.secretPath,
  }
  if (flags.toEnv === undefined && flags.toPath === undefined) {
    throw new CommandError("invalid", "say where to: --to-env, --to-path, or both")
  }
  return { client, source, destination }
}

/** By id, so that nothing else can slip under a name between finding and moving. */
async function idsOf(client: CofferClient, place: FolderPlace, names: readonly string[]): Promise<string[]> {
  const options = { includeImports: false, expandSecretReferences: false, viewSecretValue: false }
  const { secrets } = await client.secrets.list(place, options)
  const byName = new Map(secrets.map((secret) => [secret.secretKey, secret.id]))
  const missing = names.filter((name) => !byName.has(name))
  if (missing.length > 0) {
    const where = `--env ${place.environment} --path ${place.secretPath}`
    throw new CommandError("not-found", `no secret ${missing.join(", ")} in ${where}`)
  }
  return names.map((name) => byName.get(name) ?? "")
}

async function moveSecrets(
  context: CommandContext,
  flags: MoveFlags,
  names: readonly string[],
): Promise<void> {
  const { client, source, destination } = await open(context, flags)
  const secretIds = await idsOf(client, source, names)
  await client.transfers.move(source, destination, { secretIds, shouldOverwrite: flags.overwrite === true })
  const rows = names.map((secretKey) => ({ ...destination, secretKey, status: "moved" }))
  if (flags.output === "json") return printJson(context.terminal, rows)
  printRows(context, flags, rows)
}

async function copySecrets(
  context: CommandContext,
  flags: CopyFlags,
  names: readonly string[],
): Promise<void> {
  const isAll = flags.all === true
  if (isAll === names.length > 0) {
    throw new CommandError(
      "invalid",
      isAll ? "name secrets or give --all, not both" : "name secrets, or give --all",
    )
  }
  if (flags.recursive === true && !isAll) throw new CommandError("invalid", "--recursive needs --all")
  const { client, source, destination } = await open(context, flags)
  const answer = await client.transfers.copy(source, destination, {
    ...(isAll ? {} : { secretIds: await idsOf(client, source, names) }),
    recursive: flags.recursive === true,
    onConflict: flags.onConflict,
  })
  if (flags.output === "json") return printJson(context.terminal, answer)
  const { environment } = destination
  const said = (status: string, of: readonly { secretPath: string; secretKey: string }[]) =>
    of.map((one) => ({ environment, ...one, status }))
  printRows(context, flags, [
    ...said("created", answer.created),
    ...said("overwritten", answer.overwritten),
    ...said("skipped", answer.skipped),
  ])
}

type Row = {
  readonly environment: string
  readonly secretPath: string
  readonly secretKey: string
  readonly status: string
}

function printRows(context: CommandContext, { silent }: Flags, rows: readonly Row[]): void {
  printTable(
    context.terminal,
    ["ENVIRONMENT", "SECRET PATH", "SECRET NAME", "STATUS"],
    rows.map((row) => [row.environment, row.secretPath, row.secretKey, row.status]),
    { say: "Nothing was copied: the folder holds no secrets.", silent },
  )
}

async function renameSecret(
  context: CommandContext,
  flags: RenameFlags,
  of: { readonly name: string; readonly newName: string },
): Promise<void> {
  const { client } = await connect(context, flags)
  const { projectId, environment, secretPath } = await resolvePlace(context, client, flags)
  const environments = await client.transfers.rename(projectId, {
    secretPath,
    secretKey: of.name,
    newSecretKey: of.newName,
    ...(flags.everywhere === true ? {} : { environments: [environment] }),
  })
  if (flags.output === "json") return printJson(context.terminal, { environments })
  if (flags.silent === true) return
  context.terminal.print(`${of.name} is ${of.newName} now, in ${environments.join(", ")}.`)
}
