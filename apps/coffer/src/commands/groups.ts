/** `coffer groups`: groups of people, who is in them, and what they may do in projects. */
import { Command } from "commander"
import { apiCommand, connectToProject, type ProjectApiFlags, projectCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { describeRole } from "../describe-role.ts"
import { noteRest, printJson, printTable } from "../output.ts"
import { namesProject, resolveProjectId } from "../scope.ts"
import { slugFor } from "../slug-argument.ts"

type GrantFlags = ProjectApiFlags & { readonly role?: readonly string[] }

const help = `
A group is named by its slug or id, a person by e-mail address.

Examples:
  coffer groups create "Site reliability" --slug sre
  coffer groups add sre ann@example.com
  coffer groups grant sre --project billing-api --role viewer --role deployer
  coffer groups list --project billing-api
`

export function groupsCommand(context: CommandContext): Command {
  return new Command()
    .description("Manages groups of people and their roles in projects.")
    .addCommand(listCommand(context))
    .addCommand(createCommand(context))
    .addCommand(deleteCommand(context))
    .addCommand(usersCommand(context))
    .addCommand(addCommand(context))
    .addCommand(removeCommand(context))
    .addCommand(grantCommand(context))
    .addCommand(revokeCommand(context))
    .addHelpText("after", help)
}

function listCommand(context: CommandContext): Command {
  return projectCommand("list")
    .summary("list groups; with --project, those in it with their roles")
    .action(async (flags: ProjectApiFlags) => {
      const { client } = await connect(context, flags)
      if (!namesProject(flags)) {
        const groups = await client.groups.list()
        if (flags.output === "json") return printJson(context.terminal, groups)
        const rows = groups.map(({ id, slug, name }) => [slug, name, id])
        return printTable(context.terminal, ["SLUG", "NAME", "ID"], rows, {
          say: "No groups yet.",
          silent: flags.silent,
        })
      }
      const groups = await client.groups.ofProject(await resolveProjectId(context, client, flags))
      if (flags.output === "json") return printJson(context.terminal, groups)
      const rows = groups.map(({ group, roles }) => [
        group.slug,
        group.name,
        roles.map(describeRole).join(", "),
      ])
      printTable(context.terminal, ["SLUG", "NAME", "ROLES"], rows, {
        say: "No groups in this project yet.",
        silent: flags.silent,
      })
    })
}

function createCommand(context: CommandContext): Command {
  return apiCommand("create")
    .argument("<name>", "name of the group")
    .option(
      "--slug <slug>",
      "how it is addressed; made of the name and 4 random characters if left out",
      slugFor("other", "--slug"),
    )
    .summary("create an empty group")
    .action(async (name: string, flags: ProjectApiFlags & { readonly slug?: string }) => {
      const { client } = await connect(context, flags)
      const group = await client.groups.create({ name, slug: flags.slug })
      if (flags.output === "json") return printJson(context.terminal, group)
      printTable(context.terminal, ["SLUG", "NAME", "ID"], [[group.slug, group.name, group.id]])
    })
}

function deleteCommand(context: CommandContext): Command {
  return apiCommand("delete")
    .argument("<group>", "slug or id")
    .summary("delete a group; its members lose what they had through it")
    .action(async (named: string, flags: ProjectApiFlags) => {
      const { client } = await connect(context, flags)
      const group = await client.groups.delete(named)
      if (flags.output === "json") return printJson(context.terminal, group)
      context.terminal.note(`Group ${group.slug} is deleted`)
    })
}

function usersCommand(context: CommandContext): Command {
  return apiCommand("users")
    .argument("<group>", "slug or id")
    .summary("list who is in a group")
    .action(async (named: string, flags: ProjectApiFlags) => {
      const { client } = await connect(context, flags)
      const { users, totalCount } = await client.groups.users(named)
      if (flags.output === "json") return printJson(context.terminal, users)
      const rows = users.map((user) => [user.email, user.joinedGroupAt ?? ""])
      printTable(context.terminal, ["E-MAIL", "SINCE"], rows, {
        say: `Nobody is in ${named} yet.`,
        silent: flags.silent,
      })
      noteRest(context.terminal, totalCount - users.length)
    })
}

function addCommand(context: CommandContext): Command {
  return apiCommand("add")
    .argument("<group>", "slug or id")
    .argument("<email>", "of a person of the organization")
    .summary("add a person to a group")
    .action(async (named: string, email: string, flags: ProjectApiFlags) => {
      const { client } = await connect(context, flags)
      const user = await client.groups.addUser(named, email)
      if (flags.output === "json") return printJson(context.terminal, user)
      context.terminal.note(`${user.email} is in group ${named}`)
    })
}

function removeCommand(context: CommandContext): Command {
  return apiCommand("remove")
    .argument("<group>", "slug or id")
    .argument("<email>", "of a person in the group")
    .summary("take a person out of a group")
    .action(async (named: string, email: string, flags: ProjectApiFlags) => {
      const { client } = await connect(context, flags)
      const user = await client.groups.removeUser(named, email)
      if (flags.output === "json") return printJson(context.terminal, user)
      context.terminal.note(`${user.email} is no longer in group ${named}`)
    })
}

function grantCommand(context: CommandContext): Command {
  return projectCommand("grant")
    .argument("<group>", "slug or id")
    .option("--role <role...>", "role in the project, once or more: replaces those the group has there")
    .summary("give a group roles in a project")
    .action(async (named: string, flags: GrantFlags) => {
      const roles = flags.role ?? []
      if (roles.length === 0) {
        throw new CommandError("invalid", "--role is missing, such as --role viewer")
      }
      const { client, projectId } = await connectToProject(context, flags)
      const known = await client.groups.ofProject(projectId)
      const isThere = known.some(({ group }) => group.id === named || group.slug === named)
      if (isThere) await client.groups.replaceRoles(projectId, named, roles)
      else await client.groups.addToProject(projectId, named, roles)
      if (flags.output === "json") return printJson(context.terminal, { group: named, projectId, roles })
      context.terminal.note(`Group ${named} has ${roles.join(", ")} in the project`)
    })
}

function revokeCommand(context: CommandContext): Command {
  return projectCommand("revoke")
    .argument("<group>", "slug or id")
    .summary("take a group out of a project")
    .action(async (named: string, flags: ProjectApiFlags) => {
      const { client, projectId } = await connectToProject(context, flags)
      await client.groups.removeFromProject(projectId, named)
      if (flags.output === "json") return printJson(context.terminal, { group: named, projectId })
      context.terminal.note(`Group ${named} is no longer in the project`)
    })
}
