/** `coffer environments`: the environments of a project and their order. */
import type { CofferClient, Project } from "@coffer/client"
import { Command, InvalidArgumentError } from "commander"
import { connectToProject, type ProjectApiFlags, projectCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { type ConfirmFlags, confirmLoss, confirmOption } from "../confirm.ts"
import { connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { printJson, printTable } from "../output.ts"
import { resolveProjectId } from "../scope.ts"
import { slugFor } from "../slug-argument.ts"

type CreateFlags = ProjectApiFlags & { readonly name?: string; readonly position?: number }
type RenameFlags = ProjectApiFlags & { readonly name?: string; readonly slug?: string }

const help = `
Examples:
  coffer environments list --project billing-api
  coffer environments create qa --name "Quality" --position 2 --project billing-api
  coffer environments reorder dev qa staging prod --project billing-api
  coffer environments rename qa --slug quality --project billing-api
  coffer environments delete quality --project billing-api
`

export function environmentsCommand(context: CommandContext): Command {
  return new Command()
    .description("Manages the environments of a project and their order.")
    .addCommand(listCommand(context))
    .addCommand(createCommand(context))
    .addCommand(renameCommand(context))
    .addCommand(reorderCommand(context))
    .addCommand(deleteCommand(context))
    .addHelpText("after", help)
}

function listCommand(context: CommandContext): Command {
  return projectCommand("list")
    .summary("list the environments in their order")
    .action(async (flags: ProjectApiFlags) => {
      const { client, projectId } = await connectToProject(context, flags)
      present(context, flags, await client.projects.get(projectId))
    })
}

function createCommand(context: CommandContext): Command {
  return projectCommand("create")
    .argument("<slug>", "how it is addressed, such as qa", slugFor("other", "<slug>"))
    .option("--name <name>", "display name; the slug if left out")
    .option("--position <number>", "place in the order, from 1; last if left out", position)
    .summary("create an environment; those after it make room")
    .action(async (slug: string, flags: CreateFlags) => {
      const { client, projectId } = await connectToProject(context, flags)
      const { name = slug, position } = flags
      await client.environments.create(projectId, { slug, name, position })
      present(context, flags, await client.projects.get(projectId))
    })
}

function renameCommand(context: CommandContext): Command {
  return projectCommand("rename")
    .argument("<environment>", "slug")
    .option(
      "--slug <slug>",
      "new slug; stores and references that name the old one stop working",
      slugFor("other", "--slug"),
    )
    .option("--name <name>", "new display name")
    .summary("change slug or name")
    .action(async (named: string, flags: RenameFlags) => {
      const { slug, name } = flags
      if (slug === undefined && name === undefined) {
        throw new CommandError("invalid", "say what changes: --slug or --name")
      }
      const { client, project, find } = await openProject(context, flags)
      await client.environments.update(project.id, find(named).id, { slug, name })
      present(context, flags, await client.projects.get(project.id))
    })
}

function reorderCommand(context: CommandContext): Command {
  return projectCommand("reorder")
    .argument("<environments...>", "slugs in the order they shall have; the others follow")
    .summary("put environments into another order")
    .action(async (slugs: readonly string[], flags: ProjectApiFlags) => {
      const twice = slugs.find((slug, index) => slugs.indexOf(slug) !== index)
      if (twice !== undefined) throw new CommandError("invalid", `'${twice}' is named more than once`)
      const { client, project, find } = await openProject(context, flags)
      // All are looked up before one moves: a typo changes nothing.
      const wanted = slugs.map((slug) => find(slug).id)
      for (const [index, id] of wanted.entries()) {
        await client.environments.update(project.id, id, { position: index + 1 })
      }
      present(context, flags, await client.projects.get(project.id))
    })
}

function deleteCommand(context: CommandContext): Command {
  return projectCommand("delete")
    .argument("<environment>", "slug")
    .option(...confirmOption)
    .summary(
      "delete an environment with everything in it, which takes the right to delete each secret; 'coffer trash' brings it back",
    )
    .action(async (named: string, flags: ProjectApiFlags & ConfirmFlags) => {
      const { client, project, find } = await openProject(context, flags)
      const { id, slug } = find(named)
      const loss = `Environment '${slug}' of ${project.slug} and every secret in it would be deleted`
      await confirmLoss(context, flags, { loss, name: slug })
      await client.environments.delete(project.id, id)
      present(context, flags, await client.projects.get(project.id))
    })
}

type OpenProject = {
  readonly client: CofferClient
  readonly project: Project
  /** @throws CommandError "not-found" that lists what there is */
  readonly find: (slug: string) => Project["environments"][number]
}

async function openProject(context: CommandContext, flags: ProjectApiFlags): Promise<OpenProject> {
  const { client } = await connect(context, flags)
  const project = await client.projects.get(await resolveProjectId(context, client, flags))
  const find = (slug: string) => {
    const found = project.environments.find((one) => one.slug === slug)
    if (found !== undefined) return found
    const there = project.environments.map((one) => one.slug).join(", ")
    throw new CommandError("not-found", `environment '${slug}' not found; there are ${there || "none"}`)
  }
  return { client, project, find }
}

function present(context: CommandContext, flags: ProjectApiFlags, { environments }: Project): void {
  const numbered = environments.map((one, index) => ({ position: index + 1, ...one }))
  if (flags.output === "json") {
    printJson(context.terminal, numbered)
    return
  }
  const rows = numbered.map((one) => [String(one.position), one.slug, one.name, one.id])
  printTable(context.terminal, ["#", "SLUG", "NAME", "ID"], rows, {
    say: "No environments yet.",
    silent: flags.silent,
  })
}

function position(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1) return number
  throw new InvalidArgumentError("expected a whole number from 1")
}
