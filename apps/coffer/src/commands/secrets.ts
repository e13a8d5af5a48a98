/** `coffer secrets`: list, get, set and delete, with the verbs and flags of the Infisical command line. */
import { readFile } from "node:fs/promises"
import type { FolderPlace, Secret, SecretType } from "@coffer/client"
import { Command, Option } from "commander"
import { type Assignment, parseAssignments, parseDotenv, refuseRepeatedKeys } from "../assignments.ts"
import { CommandError } from "../command-error.ts"
import { addConnectionOptions, type Connection, type ConnectionFlags, connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { isHidden, requireReadable } from "../hidden-values.ts"
import { type ListedSecret, mergeImports } from "../merge-imports.ts"
import { type OutputFormat, outputOption, printJson, printTable } from "../output.ts"
import { withParentFlags } from "../parent-flags.ts"
import { sayWhere } from "../say-where.ts"
import { addPlaceOptions, type PlaceFlags, resolvePlace } from "../scope.ts"
import { secretHistoryCommands } from "../secret-history.ts"
import { secretTransferCommands } from "../secret-transfers.ts"
import { type SetResult, setSecrets } from "../set-secrets.ts"
import { unreadableFile } from "../unreadable-file.ts"

type Flags = ConnectionFlags & PlaceFlags & { readonly output: OutputFormat }
type ReadFlags = Flags & {
  readonly plain?: boolean
  readonly expand: string
  readonly includeImports: string
  readonly recursive?: boolean
  readonly tags?: string
}
type SetFlags = Flags & { readonly type: SecretType; readonly file?: string; readonly showValues?: boolean }

const help = `
Examples:
  coffer secrets --project my-project --env prod
  coffer secrets get DATABASE_URL --project my-project --env prod --plain
  coffer secrets set DATABASE_URL=postgres://... TLS_KEY=@tls.key --project my-project --env prod
  coffer secrets set --file .env --project my-project
  coffer secrets delete DATABASE_URL --project my-project --env prod
`

const getHelp = `
Examples:
  coffer secrets get DATABASE_URL --project my-project --env prod --plain
  coffer secrets get DB_USER DB_PASSWORD --project my-project --env prod --path /database --output json
`
const setHelp = `
Examples:
  coffer secrets set LOG_LEVEL=debug TLS_KEY=@tls.key --project my-project --env prod
  coffer secrets set --file .env --project my-project
  coffer secrets set DATABASE_URL=postgres://me@localhost/db --type personal --project my-project
`
const deleteHelp = `
Examples:
  coffer secrets delete DATABASE_URL OLD_KEY --project my-project --env prod
  coffer trash restore secret DATABASE_URL --project my-project --env prod      # brings it back
`

export function secretsCommand(context: CommandContext): Command {
  const secrets = new Command()
    .description(
      "Lists the secrets of a folder with their values; sub-commands get, set and delete them, and go back to what they were.",
    )
    .addHelpText("after", help)
    .allowExcessArguments() // to say more about them than that they are too many
    .action((flags: ReadFlags, { args }: Command) => {
      requireNoName(args[0])
      return list(context, flags)
    })
  addReadOptions(withScope(secrets))
    .option("--recursive", "include the folders below")
    .option("-t, --tags <slugs>", "only secrets with any of these tags, comma separated")
  secrets
    .addCommand(listCommand(context))
    .addCommand(getCommand(context))
    .addCommand(setCommand(context))
    .addCommand(deleteCommand(context))
  const more = [...secretTransferCommands(context), ...secretHistoryCommands(context)]
  for (const command of more) secrets.addCommand(command)
  return secrets
}

function requireNoName(name: string | undefined): void {
  if (name === undefined) return
  throw new CommandError("invalid", `there is no command '${name}'; a secret is read by 'coffer secrets get'`)
}

function listCommand(context: CommandContext): Command {
  const command = addReadOptions(withScope(new Command("list")))
    .summary("list the secrets of a folder with their values")
    .description("The same as 'coffer secrets'.")
    .option("--recursive", "include the folders below")
    .option("-t, --tags <slugs>", "only secrets with any of these tags, comma separated")
  return withParentFlags(command, (flags: ReadFlags) => list(context, flags))
}

async function list(context: CommandContext, flags: ReadFlags): Promise<void> {
  const { client, place } = await open(context, flags)
  const answer = await client.secrets.list(place, {
    includeImports: parseBoolean("--include-imports", flags.includeImports),
    expandSecretReferences: parseBoolean("--expand", flags.expand),
    recursive: flags.recursive === true,
    tagSlugs: flags.tags,
  })
  present(context, { flags, place }, mergeImports(answer), (secret) => {
    return `${secret.secretKey}=${secret.secretValue}`
  })
}

function getCommand(context: CommandContext): Command {
  const command = addReadOptions(withScope(new Command("get")))
    .argument("<names...>", "keys of the secrets")
    .summary("print the values of the named secrets")
    .description("Prints the named secrets. Exit code 5 when one of them does not exist.")
    .addHelpText("after", getHelp)
  return withParentFlags(command, (flags: ReadFlags, names) => get(context, flags, names))
}

async function get(context: CommandContext, flags: ReadFlags, names: readonly string[]): Promise<void> {
  const { client, place } = await open(context, flags)
  const options = {
    includeImports: parseBoolean("--include-imports", flags.includeImports),
    expandSecretReferences: parseBoolean("--expand", flags.expand),
  }
  const secrets: Secret[] = []
  for (const name of names) {
    const found = client.secrets.get(place, name, options)
    secrets.push(await found.catch((error: unknown) => sayWhere(place, error)))
  }
  present(context, { flags, place }, secrets, (secret) => secret.secretValue)
}

function setCommand(context: CommandContext): Command {
  const command = withScope(new Command("set"))
    .argument("[assignments...]", "KEY=VALUE, or KEY=@file for the content of a file")
    .summary("create or change secrets")
    .description(
      "Creates or changes secrets; those that hold the value already are left alone. Arguments are visible to other users of this machine: prefer KEY=@file or --file for what matters.",
    )
    .option("--file <file>", "dotenv file with more of them, - for stdin")
    .addOption(typeOption())
    .option("--show-values", "show the values in the result")
    .addHelpText("after", setHelp)
  return withParentFlags(command, (flags: SetFlags, args) => set(context, flags, args))
}

async function set(context: CommandContext, flags: SetFlags, args: readonly string[]): Promise<void> {
  const assignments = [...parseAssignments(args), ...(await readDotenv(context, flags.file))]
  refuseRepeatedKeys(assignments)
  if (assignments.length === 0) {
    throw new CommandError("invalid", "nothing to set; write KEY=VALUE, or --file with a dotenv file")
  }
  const values = new Map<string, string>()
  for (const assignment of assignments) values.set(assignment.key, await readValue(assignment))
  const { client, place } = await open(context, flags)
  const results = await setSecrets(client, place, values, flags.type)
  presentSet(context, flags, results)
}

function presentSet(context: CommandContext, flags: SetFlags, results: readonly SetResult[]): void {
  const isShown = flags.showValues === true
  if (flags.output === "json") {
    const rows = results.map(({ secretKey, status, secretValue }) =>
      isShown ? { secretKey, status, secretValue } : { secretKey, status },
    )
    printJson(context.terminal, rows)
    return
  }
  const headers = isShown ? ["SECRET NAME", "SECRET VALUE", "STATUS"] : ["SECRET NAME", "STATUS"]
  const rows = results.map(({ secretKey, status, secretValue }) =>
    isShown ? [secretKey, secretValue, status] : [secretKey, status],
  )
  printTable(context.terminal, headers, rows)
}

function deleteCommand(context: CommandContext): Command {
  const command = withScope(new Command("delete"))
    .argument("<names...>", "keys of the secrets")
    .summary("delete secrets")
    .description(
      "Deletes secrets; their history stays. Unlike in the Infisical CLI, --type is 'shared' unless said otherwise.",
    )
    .addOption(typeOption())
    .addHelpText("after", deleteHelp)
  return withParentFlags(command, (flags: SetFlags, names) => remove(context, flags, names))
}

async function remove(context: CommandContext, flags: SetFlags, names: readonly string[]): Promise<void> {
  const { client, place } = await open(context, flags)
  for (const [done, name] of names.entries()) {
    await client.secrets.delete(place, name, flags.type).catch((error: unknown) => {
      sayWhere(place, error, done === 0 ? "" : `; deleted before it: ${names.slice(0, done).join(", ")}`)
    })
  }
  const rows = names.map((secretKey) => ({ secretKey, status: "deleted" }))
  if (flags.output === "json") printJson(context.terminal, rows)
  else if (flags.silent !== true) context.terminal.print(`Deleted ${names.join(", ")}.`)
}

function present<T extends ListedSecret>(
  context: CommandContext,
  { flags, place }: { readonly flags: ReadFlags; readonly place: FolderPlace },
  secrets: readonly T[],
  plain: (secret: T) => string,
): void {
  const { terminal } = context
  if (flags.output === "json") {
    printJson(terminal, secrets.map(view))
    return
  }
  if (flags.plain === true) {
    requireReadable(secrets, "nothing was printed")
    for (const secret of secrets) terminal.print(plain(secret))
    return
  }
  const rows = secrets.map((secret) => [
    secret.secretKey,
    isHidden(secret) ? "(you may not read it)" : secret.secretValue,
    secret.type,
  ])
  const { environment, secretPath } = place
  printTable(terminal, ["SECRET NAME", "SECRET VALUE", "SECRET TYPE"], rows, {
    say: `No secrets in ${secretPath} of ${environment}.`,
    silent: flags.silent,
  })
}

function view(secret: ListedSecret) {
  const { secretKey, secretComment, secretPath, environment, type, version } = secret
  const secretValueHidden = isHidden(secret)
  const secretValue = secretValueHidden ? null : secret.secretValue
  return { secretKey, secretValue, secretValueHidden, secretComment, secretPath, environment, type, version }
}

type Scope = Connection & { readonly place: FolderPlace }

async function open(context: CommandContext, flags: Flags): Promise<Scope> {
  const connection = await connect(context, flags)
  return { ...connection, place: await resolvePlace(context, connection.client, flags) }
}

function withScope(command: Command): Command {
  return addConnectionOptions(addPlaceOptions(command)).addOption(outputOption())
}

function addReadOptions(command: Command): Command {
  return command
    .option("--plain", "print without a table, for scripts")
    .option("--expand [boolean]", "expand references such as ${OTHER}", "true")
    .option("--include-imports [boolean]", "include imported secrets", "true")
}

function typeOption(): Option {
  return new Option("--type <type>", "shared, or personal (people only)")
    .choices(["shared", "personal"])
    .default("shared")
}

function parseBoolean(flag: string, value: string | boolean): boolean {
  if (value === true || value === "true") return true
  if (value === false || value === "false") return false
  throw new CommandError("invalid", `${flag}: expected true or false`)
}

async function readDotenv(context: CommandContext, file: string | undefined): Promise<readonly Assignment[]> {
  if (file === undefined) return []
  return parseDotenv(file === "-" ? await context.terminal.readInput() : await readText("--file", file))
}

function readValue(assignment: Assignment): Promise<string> | string {
  const { key, value } = assignment
  return value.kind === "text" ? value.text : readText(key, value.file)
}

async function readText(field: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw unreadableFile(`${field}: the file ${file}`, cause)
  }
}
