/** `coffer invitations`: people are invited, and accept. */
import type { CofferClient } from "@coffer/client"
import { Command, Option } from "commander"
import { type ApiFlags, apiCommand, projectCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { connect, connectAnonymously, resolveDomain } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { outputOption, printJson, printTable } from "../output.ts"
import { namesProject, type ProjectFlags, resolveProjectId } from "../scope.ts"
import { readCredential } from "../secret-input.ts"

type CreateFlags = ApiFlags &
  ProjectFlags & {
    readonly organizationRole: "admin" | "member" | "no-access"
    readonly role?: readonly string[]
  }
type AcceptFlags = ApiFlags & {
  readonly passwordFile?: string
  readonly firstName?: string
  readonly lastName?: string
}
type Sent = Awaited<ReturnType<CofferClient["invitations"]["create"]>>

const help = `
Whoever holds the link of an invitation can use it once, within a week. It is mailed if the server can send
mail (SMTP_HOST); in any case it is shown to you this once, to be handed over.

Examples:
  coffer invitations create ann@example.com
  coffer invitations create ann@example.com --project billing-api --role viewer
  coffer invitations accept 'https://coffer.example.com/accept-invitation#token=...'
`

export function invitationsCommand(context: CommandContext): Command {
  return new Command()
    .description("Invites people into the organization, and accepts invitations.")
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(resendCommand(context))
    .addCommand(revokeCommand(context))
    .addCommand(acceptCommand(context))
    .addHelpText("after", help)
}

function createCommand(context: CommandContext): Command {
  return projectCommand("create")
    .argument("<email>", "of the person")
    .addOption(
      new Option("--organization-role <role>", "role in the organization")
        .choices(["admin", "member", "no-access"])
        .default("member"),
    )
    .option("--role <role...>", "role in the project, once or more (needs --project)")
    .summary("invite a person")
    .action(async (email: string, flags: CreateFlags) => {
      const { client } = await connect(context, flags)
      const projects = await projectRoles(context, client, flags)
      const sent = await client.invitations.create({ email, role: flags.organizationRole, projects })
      printSent(context, flags, sent)
    })
}

async function projectRoles(context: CommandContext, client: CofferClient, flags: CreateFlags) {
  const roles = flags.role ?? []
  if (namesProject(flags) !== roles.length > 0) {
    throw new CommandError("invalid", "--project and --role belong together: a role in which project")
  }
  if (roles.length === 0) return []
  const projectId = await resolveProjectId(context, client, flags)
  return roles.map((role) => ({ projectId, role }))
}

function listCommand(context: CommandContext): Command {
  return apiCommand("list")
    .summary("list the invitations that nobody has used")
    .action(async (flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const { invitations } = await client.invitations.list()
      if (flags.output === "json") return printJson(context.terminal, invitations)
      const rows = invitations.map((one) => [
        one.id,
        one.email,
        one.role,
        one.isExpired ? `ran out ${one.expiresAt}` : one.expiresAt,
      ])
      printTable(context.terminal, ["ID", "E-MAIL", "ROLE", "UNTIL"], rows, {
        say: "No open invitations.",
        silent: flags.silent,
      })
    })
}

function resendCommand(context: CommandContext): Command {
  return apiCommand("resend")
    .argument("<id>", "as 'coffer invitations list' shows it")
    .summary("make a new link; the old one is dead")
    .action(async (id: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      printSent(context, flags, await client.invitations.resend(id))
    })
}

function printSent(context: CommandContext, flags: ApiFlags, sent: Sent): void {
  const { terminal } = context
  if (flags.output === "json") {
    printJson(terminal, sent)
    return
  }
  const { email, expiresAt } = sent.invitation
  terminal.print(sent.link ?? sent.token)
  if (flags.silent === true) return
  terminal.note(sent.isMailed ? `Mailed to ${email}.` : `Not mailed: hand this to ${email} yourself.`)
  terminal.note(`It can be used once, until ${expiresAt}, and is not shown again.`)
}

function revokeCommand(context: CommandContext): Command {
  return apiCommand("revoke")
    .argument("<id>", "as 'coffer invitations list' shows it")
    .summary("take an invitation back")
    .action(async (id: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const invitation = await client.invitations.revoke(id)
      if (flags.output === "json") return printJson(context.terminal, invitation)
      context.terminal.note(`The invitation of ${invitation.email} is revoked`)
    })
}

function acceptCommand(context: CommandContext): Command {
  return new Command("accept")
    .argument("<link>", "the link or the token that you were sent")
    .option("--domain <url>", "address of the server; a link names it")
    .option("--password-file <file>", 'file with the password, "-" for stdin; asked for without it')
    .option("--first-name <name>", "of a new account")
    .option("--last-name <name>", "of a new account")
    .option("--silent", "print results and errors, no remarks")
    .addOption(outputOption())
    .summary("accept an invitation, with a new password or that of your account")
    .action((link: string, flags: AcceptFlags) => accept(context, link, flags))
}

async function accept(context: CommandContext, link: string, flags: AcceptFlags): Promise<void> {
  const { terminal } = context
  const { domain: fromLink, token } = readLink(link)
  const domain = flags.domain ?? fromLink ?? (await resolveDomain(context, flags))
  const client = connectAnonymously(context, domain)
  const found = await client.invitations.lookUp(token)
  const password = await readCredential(context, {
    question: found.hasAccount ? `Password of ${found.email}` : `New password for ${found.email}`,
    file: ["--password-file", flags.passwordFile],
    confirm: !found.hasAccount,
  })
  const accepted = await client.invitations.accept({
    token,
    password: password.reveal(),
    firstName: flags.firstName ?? "",
    lastName: flags.lastName ?? "",
  })
  if (flags.output === "json") return printJson(terminal, accepted)
  terminal.print(`${accepted.user.email} belongs to ${accepted.organization.name} at ${domain}.`)
}

/** A link is `<address>/accept-invitation#token=<token>`; anything else is a token. */
function readLink(text: string): { readonly domain: string | undefined; readonly token: string } {
  const match = /^(https?:\/\/.+)\/accept-invitation#token=([\w-]+)$/.exec(text.trim())
  return match === null
    ? { domain: undefined, token: text.trim() }
    : { domain: match[1], token: match[2] ?? "" }
}
