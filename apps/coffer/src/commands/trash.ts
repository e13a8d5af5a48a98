/** `coffer trash`: what was deleted, and the way back. */
import type { TrashItem, TrashKind } from "@coffer/client"
import { Argument, Command, Option } from "commander"
import { actorNames } from "../actor-names.ts"
import { connectToProject, type ProjectApiFlags, projectCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import type { CommandContext } from "../context.ts"
import { noteRest, printJson, printTable } from "../output.ts"
import { printRestoration } from "../restoration.ts"

type ListFlags = ProjectApiFlags & {
  readonly env?: string
  readonly kind?: TrashKind
  readonly all?: boolean
}

type BackFlags = ProjectApiFlags & { readonly env?: string }

const restoreHelp = `
Examples:
  coffer trash restore secret DATABASE_URL --project billing-api --env prod
  coffer trash restore folder /app/db --project billing-api --env prod
  coffer trash restore environment qa --project billing-api
`

const kinds: readonly TrashKind[] = ["secret", "folder", "environment"]

export function trashCommand(context: CommandContext): Command {
  return new Command()
    .description("Lists what was deleted and brings it back.")
    .addCommand(listCommand(context))
    .addCommand(backCommand(context))
}

function listCommand(context: CommandContext): Command {
  return projectCommand("list")
    .summary("list what was deleted, newest first")
    .option("-e, --env <slug>", "only of this environment")
    .addOption(new Option("--kind <kind>", "only this kind").choices(kinds))
    .option("--all", "also what went with a folder or an environment")
    .action((flags: ListFlags) => list(context, flags))
}

async function list(context: CommandContext, flags: ListFlags): Promise<void> {
  const { client, projectId } = await connectToProject(context, flags)
  const { env: environment, kind, all } = flags
  const { items, totalCount } = await client.trash.list(projectId, {
    environment,
    kind,
    all,
    limit: 1_000,
  })
  if (flags.output === "json") return printJson(context.terminal, items)
  const nameOf = await actorNames(client, projectId)
  const rows = items.map((one) => [
    one.kind,
    one.name,
    whereOf(one),
    one.deletedAt,
    nameOf(one.deletedBy),
    one.id,
  ])
  printTable(context.terminal, ["KIND", "NAME", "WHERE", "DELETED AT", "BY", "ID"], rows, {
    say: "Nothing was deleted.",
    silent: flags.silent,
  })
  noteRest(context.terminal, totalCount - items.length)
}

function backCommand(context: CommandContext): Command {
  return projectCommand("restore")
    .addArgument(new Argument("<kind>", "what it is").choices(kinds))
    .argument(
      "<name>",
      "its name or id, as 'coffer trash list' shows it; also the path of a folder, the slug of an environment",
    )
    .option("-e, --env <slug>", "the environment that it was in, when several lost one of this name")
    .summary("bring something back under its id")
    .addHelpText("after", restoreHelp)
    .action((kind: TrashKind, named: string, flags: BackFlags) => back(context, flags, { kind, named }))
}

async function back(
  context: CommandContext,
  flags: BackFlags,
  { kind, named }: { readonly kind: TrashKind; readonly named: string },
): Promise<void> {
  const { client, projectId } = await connectToProject(context, flags)
  const { items } = await client.trash.list(projectId, {
    environment: flags.env,
    kind,
    all: true,
    limit: 1_000,
  })
  const id = idOf(items, named)
  const restoration = await client.trash.restore(projectId, { kind, id })
  if (flags.output === "json") printJson(context.terminal, restoration)
  else printRestoration(context.terminal, restoration)
}

/** Environments are named by slug everywhere else, and folders by path. */
function namesOf(item: TrashItem): readonly string[] {
  const { kind, name, place } = item
  if (kind === "environment") return [name, place.environment]
  if (kind === "folder") return [name, `${place.path === "/" ? "" : place.path}/${name}`]
  return [name]
}

/** An id is sent as it is: what the list cannot show, the server may still know. */
function idOf(items: readonly TrashItem[], named: string): string {
  const [first, ...others] = items.filter((one) => namesOf(one).includes(named))
  if (items.some((one) => one.id === named) || /^[0-9a-f-]{24,36}$/i.test(named)) return named
  if (first === undefined) {
    throw new CommandError(
      "not-found",
      `nothing called ${named} is in the trash; 'coffer trash list' shows what is`,
    )
  }
  if (others.length === 0) return first.id
  const choice = [first, ...others].map((one) => `${one.id} (${whereOf(one)}, ${one.deletedAt})`)
  throw new CommandError(
    "invalid",
    `several are called ${named}; give --env, or the id of one: ${choice.slice(0, 10).join(", ")}`,
  )
}

function whereOf({ place }: TrashItem): string {
  return `${place.environment}:${place.path}`
}
