/** `coffer trash`: what was deleted, and the way back. */
import type { TrashKind } from "@coffer/client"
import { Command, Option } from "commander"
import { connectToProject, type ProjectApiFlags, projectCommand } from "../api-command.ts"
import type { CommandContext } from "../context.ts"
import { noteRest, printJson, printTable } from "../output.ts"
import { printRestoration } from "../restoration.ts"

type ListFlags = ProjectApiFlags & {
  readonly env?: string
  readonly kind?: TrashKind
  readonly all?: boolean
}

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
  const rows = items.map((one) => [
    one.kind,
    one.id,
    one.name,
    `${one.place.environment}:${one.place.path}`,
    one.deletedAt,
    `${one.deletedBy.type} ${one.deletedBy.id}`,
  ])
  printTable(context.terminal, ["KIND", "ID", "NAME", "WHERE", "DELETED AT", "BY"], rows)
  noteRest(context.terminal, totalCount - items.length)
}

function backCommand(context: CommandContext): Command {
  return projectCommand("restore")
    .argument("<kind>", "secret, folder or environment")
    .argument("<id>", "as 'coffer trash list' shows it")
    .summary("bring something back under its id")
    .action((kind: TrashKind, id: string, flags: ProjectApiFlags) => back(context, flags, { kind, id }))
}

async function back(
  context: CommandContext,
  flags: ProjectApiFlags,
  item: { readonly kind: TrashKind; readonly id: string },
): Promise<void> {
  const { client, projectId } = await connectToProject(context, flags)
  const restoration = await client.trash.restore(projectId, item)
  if (flags.output === "json") printJson(context.terminal, restoration)
  else printRestoration(context.terminal, restoration)
}
