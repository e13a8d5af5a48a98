/** `coffer projects`: list and create. */
import type { Project } from "@coffer/client"
import { Command } from "commander"
import { addConnectionOptions, type ConnectionFlags, connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { type OutputFormat, outputOption, printJson, printTable } from "../output.ts"

type ListFlags = ConnectionFlags & { readonly output: OutputFormat }
type CreateFlags = ListFlags & { readonly slug?: string; readonly description?: string }

const help = `
The slug is what stores and other commands need; it differs from the name unless you choose it.

Examples:
  coffer projects create "Billing API"
  coffer projects create frank-cluster --slug frank-cluster-iwpg --output json
  coffer projects list
`

export function projectsCommand(context: CommandContext): Command {
  return new Command()
    .description("Lists and creates projects.")
    .addCommand(listCommand(context))
    .addCommand(createCommand(context))
    .addHelpText("after", help)
}

function listCommand(context: CommandContext): Command {
  const command = new Command("list")
    .summary("list the projects you belong to")
    .description("Lists the projects that this login belongs to, with their slugs.")
    .addOption(outputOption())
  return addConnectionOptions(command).action(async (flags: ListFlags) => {
    const { client } = await connect(context, flags)
    present(context, flags, await client.projects.list())
  })
}

function createCommand(context: CommandContext): Command {
  const command = new Command("create")
    .argument("<name>", "display name")
    .summary("create a project with the environments dev, staging and prod")
    .description("Creates a project with the environments dev, staging and prod; you become its admin.")
    .option("--slug <slug>", "slug of 5 to 36 characters; made from the name and 4 random ones if left out")
    .option("--description <text>", "what the project is for")
    .addOption(outputOption())
    .addHelpText("after", help)
  return addConnectionOptions(command).action(async (name: string, flags: CreateFlags) => {
    const { client } = await connect(context, flags)
    const project = await client.projects.create({
      projectName: name,
      ...(flags.slug === undefined ? {} : { slug: flags.slug }),
      ...(flags.description === undefined ? {} : { projectDescription: flags.description }),
    })
    if (flags.output === "json") printJson(context.terminal, view(project))
    else present(context, flags, [project])
  })
}

function present(context: CommandContext, flags: ListFlags, projects: readonly Project[]): void {
  if (flags.output === "json") {
    printJson(context.terminal, projects.map(view))
    return
  }
  const rows = projects.map((project) => [
    project.name,
    project.slug,
    slugsOf(project).join(", "),
    project.id,
  ])
  printTable(context.terminal, ["NAME", "SLUG", "ENVIRONMENTS", "ID"], rows)
}

function view(project: Project) {
  const { id, name, slug, description } = project
  return { id, name, slug, description, environments: slugsOf(project) }
}

function slugsOf(project: Project): readonly string[] {
  return project.environments.map((environment) => environment.slug)
}
