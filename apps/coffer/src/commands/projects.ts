/** `coffer projects`: list, create, show, change, delete, and whole projects as files. */
import type { CofferClient, Project } from "@coffer/client"
import { Command } from "commander"
import { apiCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { type ConfirmFlags, confirmLoss, confirmOption } from "../confirm.ts"
import { type ConnectionFlags, connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { type OutputFormat, printJson, printTable } from "../output.ts"
import { exportCommand, importCommand } from "../project-archives.ts"
import { slugFor } from "../slug-argument.ts"

type ListFlags = ConnectionFlags & { readonly output: OutputFormat }
type CreateFlags = ListFlags & {
  readonly slug?: string
  readonly description?: string
  readonly protected?: boolean
}

const help = `
The slug is what stores and other commands need; it differs from the name unless you choose it.

Examples:
  coffer projects create "Billing API" --slug billing-api
  coffer projects list
  coffer projects list --all
  coffer projects enter billing-api
  coffer projects rename billing-api --slug payments --name Payments
  coffer projects protect payments
  coffer projects export payments.coffer.age --project payments
  coffer projects import payments.coffer.age --as-copy --slug payments-2
`

export function projectsCommand(context: CommandContext): Command {
  return new Command()
    .description("Lists, creates, changes and deletes projects, and takes whole projects out and in.")
    .addCommand(listCommand(context))
    .addCommand(enterCommand(context))
    .addCommand(createCommand(context))
    .addCommand(showCommand(context))
    .addCommand(renameCommand(context))
    .addCommand(protectCommand(context))
    .addCommand(deleteCommand(context))
    .addCommand(exportCommand(context))
    .addCommand(importCommand(context))
    .addHelpText("after", help)
}

function listCommand(context: CommandContext): Command {
  return apiCommand("list")
    .summary("list the projects you belong to")
    .description("Lists the projects that this login belongs to, with their slugs.")
    .option("--all", "every project of the organization, for its administrators")
    .action(async (flags: ListFlags & { readonly all?: boolean }) => {
      const { client } = await connect(context, flags)
      if (flags.all === true) return showAll(context, flags, await client.projects.ofOrganization())
      present(context, flags, await client.projects.list())
    })
}

type OrganizationProject = Awaited<ReturnType<CofferClient["projects"]["ofOrganization"]>>[number]

function showAll(context: CommandContext, flags: ListFlags, projects: readonly OrganizationProject[]): void {
  const rows = projects.map(({ slug, name, id }) => [slug, name, id])
  if (flags.output === "json") printJson(context.terminal, projects)
  else
    printTable(context.terminal, ["SLUG", "NAME", "ID"], rows, {
      say: "No projects yet.",
      silent: flags.silent,
    })
}

function enterCommand(context: CommandContext): Command {
  return apiCommand("enter")
    .argument("<project>", "slug or id")
    .summary("become an admin of a project of your organization")
    .description(
      "Makes an administrator of the organization an admin of one of its projects, also where nobody is left. The audit log and the members of the project show it.",
    )
    .action(async (named: string, flags: ListFlags) => {
      const { client } = await connect(context, flags)
      const projects = await client.projects.ofOrganization()
      const project = projects.find(({ id, slug }) => id === named || slug === named)
      if (project === undefined) {
        const look = "'coffer projects list --all' shows them"
        throw new CommandError("not-found", `the organization has no project '${named}'; ${look}`)
      }
      await client.projects.enter(project.id)
      if (flags.output === "json") return printJson(context.terminal, project)
      context.terminal.note(`You are an admin of project ${project.slug}`)
    })
}

function createCommand(context: CommandContext): Command {
  return apiCommand("create")
    .argument("<name>", "display name")
    .summary("create a project with the environments dev, staging and prod")
    .description("Creates a project with the environments dev, staging and prod; you become its admin.")
    .option(
      "--slug <slug>",
      "slug of 5 to 36 characters; made from the name and 4 random ones if left out",
      slugFor("new-project", "--slug"),
    )
    .option("--description <text>", "what the project is for")
    .option("--protected", "refuse to delete it until 'coffer projects protect --off'")
    .action(async (name: string, flags: CreateFlags) => {
      const { client } = await connect(context, flags)
      const project = await client.projects.create({
        projectName: name,
        ...(flags.slug === undefined ? {} : { slug: flags.slug }),
        ...(flags.description === undefined ? {} : { projectDescription: flags.description }),
        ...(flags.protected === true ? { hasDeleteProtection: true } : {}),
      })
      if (flags.output === "json") printJson(context.terminal, view(project))
      else present(context, flags, [project])
    })
}

function showCommand(context: CommandContext): Command {
  return apiCommand("show")
    .argument("<project>", "slug or id")
    .summary("show one project with its settings")
    .action(async (named: string, flags: ListFlags) => {
      const { client } = await connect(context, flags)
      showOne(context, flags, await find(client, named))
    })
}

function renameCommand(context: CommandContext): Command {
  return apiCommand("rename")
    .argument("<project>", "slug or id")
    .option(
      "--slug <slug>",
      "new slug; whoever asks for the old one is told the new one",
      slugFor("renamed-project", "--slug"),
    )
    .option("--name <name>", "new display name")
    .option("--description <text>", "what the project is for; empty for nothing")
    .summary("change slug, name or description")
    .action(
      async (
        named: string,
        flags: ListFlags & { readonly slug?: string; readonly name?: string; readonly description?: string },
      ) => {
        const { slug, name, description } = flags
        if (slug === undefined && name === undefined && description === undefined) {
          throw new CommandError("invalid", "say what changes: --slug, --name or --description")
        }
        const { client } = await connect(context, flags)
        const project = await find(client, named)
        showOne(context, flags, await client.projects.update(project.id, { slug, name, description }))
      },
    )
}

function protectCommand(context: CommandContext): Command {
  return apiCommand("protect")
    .argument("<project>", "slug or id")
    .option("--off", "allow to delete it again")
    .summary("refuse to delete a project until this is switched off")
    .action(async (named: string, flags: ListFlags & { readonly off?: boolean }) => {
      const { client } = await connect(context, flags)
      const project = await find(client, named)
      const hasDeleteProtection = flags.off !== true
      showOne(context, flags, await client.projects.update(project.id, { hasDeleteProtection }))
    })
}

function deleteCommand(context: CommandContext): Command {
  return apiCommand("delete")
    .argument("<project>", "slug or id")
    .option(...confirmOption)
    .summary("delete a project with everything in it, for good")
    .description("Deletes a project with everything in it. Its key goes too: only an archive brings it back.")
    .action(async (named: string, flags: ListFlags & ConfirmFlags) => {
      const { client } = await connect(context, flags)
      const { id, name, slug, hasDeleteProtection } = await find(client, named)
      if (hasDeleteProtection === true) {
        const off = `coffer projects protect ${slug} --off`
        throw new CommandError("invalid", `project '${slug}' is protected against deletion; first: ${off}`)
      }
      const loss = `Project '${name}' (${slug}) and every secret in it would be lost for good`
      await confirmLoss(context, flags, { loss, name: slug })
      const project = await client.projects.delete(id)
      if (flags.output === "json") return printJson(context.terminal, view(project))
      if (flags.silent !== true) context.terminal.note(`Project ${slug} is deleted`)
    })
}

/** By slug, or by id, which has another form than a slug that people choose. */
async function find(client: CofferClient, named: string): Promise<Project> {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(named)
  return await (isId ? client.projects.get(named) : client.projects.getBySlug(named))
}

function showOne(context: CommandContext, flags: ListFlags, project: Project): void {
  if (flags.output === "json") {
    printJson(context.terminal, view(project))
    return
  }
  printTable(
    context.terminal,
    ["FIELD", "VALUE"],
    [
      ["slug", project.slug],
      ["name", project.name],
      ["description", project.description ?? ""],
      ["environments", slugsOf(project).join(", ")],
      ["protected", project.hasDeleteProtection === true ? "yes" : "no"],
      ["created at", project.createdAt ?? ""],
      ["id", project.id],
    ],
  )
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
  printTable(context.terminal, ["NAME", "SLUG", "ENVIRONMENTS", "ID"], rows, {
    say: "This login belongs to no project yet.",
    silent: flags.silent,
  })
}

function view(project: Project) {
  const { id, name, slug, description, createdAt, hasDeleteProtection } = project
  return { id, name, slug, description, createdAt, hasDeleteProtection, environments: slugsOf(project) }
}

function slugsOf(project: Project): readonly string[] {
  return project.environments.map((environment) => environment.slug)
}
