/** `coffer members`: the people and machine identities of a project, and their roles there. */
import { type CofferClient, isApiError } from "@coffer/client"
import { Command } from "commander"
import { connectToProject, type ProjectApiFlags, projectCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { type Connection, connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { describeRole } from "../describe-role.ts"
import { identityIdOf, onlyOne } from "../find-identity.ts"
import { printJson, printTable } from "../output.ts"
import { resolveProjectId } from "../scope.ts"
import { readTokenClaims } from "../token-claims.ts"

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
      const { client, token } = await connect(context, flags)
      const projectId = await resolveProjectId(context, client, flags)
      const member = findMember(await listMembers(client, projectId), named)
      if (member !== undefined) await replaceRoles(client, projectId, member, roles)
      else if (isEmail(named)) await addPerson(client, projectId, named, roles)
      else await client.memberships.addIdentity(projectId, await identityIdOf(client, named), ...roles)
      if (flags.output === "json") return printJson(context.terminal, { member: named, projectId, roles })
      context.terminal.note(`${named} has ${roles.join(", ")} in the project`)
      if (flags.silent === true || isEmail(named)) return
      await noteLogins(context, { client, token }, member?.id ?? named)
    })
}

/** @throws CommandError "not-found" that says how to invite somebody who is not in the organization */
async function addPerson(
  client: CofferClient,
  projectId: string,
  email: string,
  roles: readonly string[],
): Promise<void> {
  try {
    await client.memberships.addPerson(projectId, email, roles)
  } catch (error) {
    const address = email.trim().toLowerCase()
    if (!isApiError(error) || !error.message.endsWith(`Not in the organization: ${address}`)) throw error
    const { slug } = await client.projects.get(projectId)
    const given = roles.map((role) => ` --role ${role}`).join("")
    const invite = `coffer invitations create ${address} --project ${slug}${given}`
    throw new CommandError("not-found", `nobody in the organization is ${address}; invite them: ${invite}`, {
      cause: error,
    })
  }
}

/** Others who set up a login of the identity may be able to log in as it, and do what it may do from now on. */
async function noteLogins(
  context: CommandContext,
  { client, token }: Pick<Connection, "client" | "token">,
  named: string,
): Promise<void> {
  const self = readTokenClaims(token)
  const isOther = (one: { readonly id: string; readonly name: string }) =>
    self.kind === "machine" ? one.id !== self.id : self.kind === "unknown" || one.name !== self.name
  try {
    const logins = await client.identities.logins(await identityIdOf(client, named))
    const others = logins.flatMap(({ method, authors }) =>
      authors.filter(isOther).map(({ name }) => `${name} (${method})`),
    )
    if (others.length === 0) return
    context.terminal.note(
      `others set up how it logs in, and may know how to: ${others.join(", ")}; see 'coffer identities show ${named}'`,
    )
  } catch (error) {
    // Not everybody who may give roles may look at identities, and only Coffer keeps who set a login up.
    if (!isApiError(error)) throw error
  }
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
