/** `coffer secrets versions`, `diff` and `rollback`: the past of one secret. */
import type { CofferClient, FolderPlace } from "@coffer/client"
import { Command } from "commander"
import { actorNames } from "./actor-names.ts"
import { CommandError } from "./command-error.ts"
import { addConnectionOptions, type ConnectionFlags, connect } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { noteRest, type OutputFormat, outputOption, printJson, printTable } from "./output.ts"
import { withParentFlags } from "./parent-flags.ts"
import { sayWhere } from "./say-where.ts"
import { addPlaceOptions, type PlaceFlags, resolvePlace } from "./scope.ts"

type Flags = ConnectionFlags & PlaceFlags & { readonly output: OutputFormat; readonly showValues?: boolean }
type DiffFlags = Flags & { readonly from?: string; readonly to?: string }

const versionsHelp = `
Examples:
  coffer secrets versions DATABASE_URL --project my-project --env prod
  coffer secrets versions DATABASE_URL --show-values --project my-project --env prod
`
const diffHelp = `
Examples:
  coffer secrets diff DATABASE_URL --project my-project --env prod
  coffer secrets diff DATABASE_URL --from 2 --to 5 --show-values --project my-project --env prod
`
const rollbackHelp = `
Examples:
  coffer secrets rollback DATABASE_URL 3 --project my-project --env prod
`

export function secretHistoryCommands(context: CommandContext): readonly Command[] {
  const versions = withScope(new Command("versions"))
    .argument("<name>", "key of the secret")
    .summary("list the versions of a secret")
    .option("--show-values", "show the values")
    .addHelpText("after", versionsHelp)
  const diff = withScope(new Command("diff"))
    .argument("<name>", "key of the secret")
    .summary("show how two versions of a secret differ")
    .option("--from <version>", "number of the older version; the one before --to if left out")
    .option("--to <version>", "number of the newer version; the newest if left out")
    .option("--show-values", "show the values")
    .addHelpText("after", diffHelp)
  const rollback = withScope(new Command("rollback"))
    .argument("<name>", "key of the secret")
    .argument("<version>", "number of the version to go back to")
    .summary("write what an old version says as the next version")
    .addHelpText("after", rollbackHelp)
  return [
    withParentFlags(versions, (flags: Flags, [name = ""]) => listVersions(context, flags, name)),
    withParentFlags(diff, (flags: DiffFlags, [name = ""]) => showDiff(context, flags, name)),
    withParentFlags(rollback, (flags: Flags, [name = "", version = ""]) =>
      goBack(context, flags, { name, version }),
    ),
  ]
}

function withScope(command: Command): Command {
  return addConnectionOptions(addPlaceOptions(command)).addOption(outputOption())
}

async function find(context: CommandContext, flags: Flags, name: string) {
  const { client } = await connect(context, flags)
  const place = await resolvePlace(context, client, flags)
  const secretId = await idOf(client, place, name)
  return { client, of: { projectId: place.projectId, secretId } }
}

async function idOf(client: CofferClient, place: FolderPlace, name: string): Promise<string> {
  const options = { includeImports: false, expandSecretReferences: false }
  const found = client.secrets.get(place, name, options)
  return (await found.catch((error: unknown) => sayWhere(place, error))).id
}

async function listVersions(context: CommandContext, flags: Flags, name: string): Promise<void> {
  const { client, of } = await find(context, flags, name)
  const includeValue = flags.showValues === true
  const { versions, totalCount } = await client.history.versions(of, { includeValue, limit: 100 })
  if (flags.output === "json") return printJson(context.terminal, versions)
  const nameOf = await actorNames(client, of.projectId)
  const rows = versions.map((one) => [
    String(one.version),
    one.createdAt,
    nameOf(one.actor),
    one.operation,
    one.secretKey,
    one.place === null ? "" : `${one.place.environment}:${one.place.path}`,
    one.isRedacted ? "redacted" : (one.changedFields ?? []).join(", "),
    ...(includeValue ? [one.secretValue ?? ""] : []),
  ])
  const headers = ["VERSION", "AT", "BY", "OPERATION", "NAME", "WHERE", "CHANGED"]
  printTable(context.terminal, includeValue ? [...headers, "SECRET VALUE"] : headers, rows)
  noteRest(context.terminal, totalCount - versions.length)
}

async function showDiff(context: CommandContext, flags: DiffFlags, name: string): Promise<void> {
  const [older, newer] = [numberOf("--from", flags.from), numberOf("--to", flags.to)]
  const { client, of } = await find(context, flags, name)
  const last = newer ?? (await newestOf(client, of))
  const first = older ?? last - 1
  if (first < 1) throw new CommandError("invalid", `there is no version of ${name} before version ${last}`)
  const includeValue = flags.showValues === true
  const diff = await client.history.diff(of, { from: first, to: last, includeValue })
  if (flags.output === "json") return printJson(context.terminal, diff)
  const { changedFields, from, to } = diff
  context.terminal.print(changedFields.length === 0 ? "Nothing differs." : changedFields.join("\n"))
  if (from.secretValue !== undefined && to.secretValue !== undefined) {
    const rows = [
      [String(from.version), from.secretValue],
      [String(to.version), to.secretValue],
    ]
    printTable(context.terminal, ["VERSION", "SECRET VALUE"], rows)
  }
}

async function newestOf(
  client: CofferClient,
  of: { readonly projectId: string; readonly secretId: string },
): Promise<number> {
  const { versions } = await client.history.versions(of, { includeValue: false, limit: 1 })
  return versions[0]?.version ?? 1
}

async function goBack(
  context: CommandContext,
  flags: Flags,
  to: { readonly name: string; readonly version: string },
): Promise<void> {
  const version = versionOf("<version>", to.version)
  const { client, of } = await find(context, flags, to.name)
  const answer = await client.history.rollback(of, version)
  if (flags.output === "json") return printJson(context.terminal, answer)
  const { secret } = answer
  context.terminal.print(
    `${secret.secretKey} is at version ${secret.version}, which says what ${version} says.`,
  )
}

function numberOf(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : versionOf(flag, text)
}

function versionOf(flag: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new CommandError("invalid", `${flag}: expected the number of a version, as 'versions' lists it`)
}
