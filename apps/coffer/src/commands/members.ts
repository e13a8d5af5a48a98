/** `coffer members`: the people and machine identities of a project, and their roles there. */
import type { CofferClient } from "@coffer/client"
import { Command } from "commander"
import { connectToProject, type ProjectApiFlags, projectCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import type { CommandContext } from "../context.ts"
import { describeRole } from "../describe-role.ts"
import { printJson, printTable } from "../output.ts"

const help = `
A person is named by e-mail address, an identity by its name or id. Who is in a project through a group is listed by
'coffer groups list --project'; what somebody may do, and why, is told by 'coffer access explain'.

Examples:
  coffer members list --project billing-api
  coffer members grant ann@example.com --project billing-api --role viewer --role deployer
  coffer members grant ci --project billing-api --role member
  coffer members revoke ann@example.com --project billing-api
`

export function membersCommand(context: CommandContext): Command {
  return new Command()
    .description("Manages the people and machine identities of a project and their roles.")
    .addCommand(listCommand(context))
    .addCommand(grantCommand(context))
    .addCommand(revokeCommand(context))
    .addHelpText("after", help)
}

type Member = {
  readonly kind: "person" | "identity"
  /** E-mail address, or the name of the identity. */
  readonly name: string
  /** Of the user or the identity. */
  readonly id: string
  readonly membershipId: string
  readonly roles: readonly Parameters<typeof describeRole>[0][]
}

async function listMembers(client: CofferClient, projectId: string): Promise<Member[]> {
  const people = await client.memberships.people(projectId)
  const identities = await client.memberships.identities(projectId)
  return [
    ...people.map(({ id, userId, user, roles }) => ({
      kind: "person" as const,
      name: user.email,
      id: userId,
      membershipId: id,
      roles,
    })),
    ...identities.map(({ id, identity, roles }) => ({
      kind: "identity" as const,
      name: identity.name,
      id: identity.id,
      membershipId: id,
      roles,
    })),
  ]
}

function listCommand(context: CommandContext): Command {
  return projectCommand("list")
    .summary("list who belongs to a project, with their roles")
    .action(async (flags: ProjectApiFlags) => {
      const { client, projectId } = await connectToProject(context, flags)
      const members = await listMembers(client, projectId)
      if (flags.output === "json") return printJson(context.terminal, members)
      const rows = members.map((one) => [one.name, one.kind, one.roles.map(describeRole).join(", "), one.id])
      printTable(context.terminal, ["MEMBER", "KIND", "ROLES", "ID"], rows, {
        say: "Nobody belongs to this project by themselves; see 'coffer groups list --project'.",
        silent: flags.silent,
      })
    })
}

function grantCommand(context: CommandContext): Command {
  return projectCommand("grant")
    .argument("<member>", "e-mail address, or name or id of an identity")
    .option("--role <role...>", "role in the project, once or more: replaces those that the member has there")
    .summary("let somebody into a project, or change their roles there")
    .action(async (named: string, flags: ProjectApiFlags & { readonly role?: readonly string[] }) => {
      const roles = flags.role ?? []
      if (roles.length === 0) throw new CommandError("invalid", "--role is missing, such as --role viewer")
      const { client, projectId } = await connectToProject(context, flags)
      const member = findMember(await listMembers(client, projectId), named)
      if (member !== undefined) await replaceRoles(client, projectId, member, roles)
      else if (isEmail(named)) await client.memberships.addPerson(projectId, named, roles)
      else await client.memberships.addIdentity(projectId, await findIdentity(client, named), ...roles)
      if (flags.output === "json") return printJson(context.terminal, { member: named, projectId, roles })
      context.terminal.note(`${named} has ${roles.join(", ")} in the project`)
    })
}

function revokeCommand(context: CommandContext): Command {
  return projectCommand("revoke")
    .argument("<member>", "e-mail address, or name or id of an identity")
    .summary("take somebody out of a project")
    .action(async (named: string, flags: ProjectApiFlags) => {
      const { client, projectId } = await connectToProject(context, flags)
      const member = findMember(await listMembers(client, projectId), named)
      if (member === undefined) {
        const look = "coffer members list' shows who does, 'coffer groups list' who does through a group"
        throw new CommandError("not-found", `${named} does not belong to the project; '${look}`)
      }
      if (member.kind === "person") await client.memberships.removePerson(projectId, member.membershipId)
      else await client.memberships.removeIdentity(projectId, member.id)
      if (flags.output === "json") return printJson(context.terminal, { member: named, projectId })
      context.terminal.note(`${named} is no longer in the project`)
    })
}

const isEmail = (named: string) => named.includes("@")

/** @throws CommandError "invalid" when several identities have the name */
function findMember(members: readonly Member[], named: string): Member | undefined {
  const name = isEmail(named) ? named.trim().toLowerCase() : named
  const byId = members.find((one) => one.id === named)
  if (byId !== undefined) return byId
  return onlyOne(
    members.filter((one) => one.name === name && (one.kind === "person") === isEmail(named)),
    named,
  )
}

/** The id of an identity of the organization. @throws CommandError when none has the name, or several */
async function findIdentity(client: CofferClient, named: string): Promise<string> {
  if (isUuid(named)) return named
  const found: { readonly id: string }[] = []
  for await (const identity of client.identities.list(named))
    if (identity.name === named) found.push(identity)
  const identity = onlyOne(found, named)
  if (identity !== undefined) return identity.id
  throw new CommandError(
    "not-found",
    `no identity is named '${named}'; 'coffer identities list' shows them, and people are named by e-mail address`,
  )
}

function onlyOne<T extends { readonly id: string }>(found: readonly T[], named: string): T | undefined {
  if (found.length <= 1) return found[0]
  const ids = found.map((one) => one.id).join(", ")
  throw new CommandError("invalid", `several identities are named '${named}'; give the id of one: ${ids}`)
}

const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)

async function replaceRoles(
  client: CofferClient,
  projectId: string,
  member: Member,
  roles: readonly string[],
): Promise<void> {
  if (member.kind === "person")
    await client.memberships.replaceRolesOfPerson(projectId, member.membershipId, roles)
  else await client.memberships.replaceRolesOfIdentity(projectId, member.id, roles)
}
