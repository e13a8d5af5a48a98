/** `coffer sso`: the OpenID provider with which people of the organization log in. */
import { type CofferClient, isApiError } from "@coffer/client"
import { Command, Option } from "commander"
import { type ApiFlags, apiCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { type ConfirmFlags, confirmLoss, confirmOption } from "../confirm.ts"
import { connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { printJson, printTable } from "../output.ts"
import { readCredential } from "../secret-input.ts"

type SetFlags = ApiFlags & {
  readonly issuer?: string
  readonly clientId?: string
  readonly clientSecretFile?: string
  readonly allowedDomain?: readonly string[]
  readonly anyDomain?: boolean
  readonly defaultRole?: "admin" | "member" | "no-access"
  readonly invitedOnly?: boolean
}
type SignOn = Awaited<ReturnType<CofferClient["signOn"]["get"]>>

const help = `
Register Coffer at the provider as a confidential client with the redirect URL that 'coffer sso show' prints.
What 'set' is not told stays as it was. The client secret is asked for, or read from a file, when the
issuer or the client id is new.

Examples:
  coffer sso set --issuer https://id.example.com --client-id coffer --client-secret-file secret.txt
  coffer sso set --allowed-domain example.com --default-role member
  coffer sso test
  coffer login --method oidc --organization-slug acme-4f2k
`

export function ssoCommand(context: CommandContext): Command {
  return new Command()
    .description("Manages single sign-on with the OpenID provider of the organization.")
    .addCommand(showCommand(context))
    .addCommand(setCommand(context))
    .addCommand(testCommand(context))
    .addCommand(switchCommand(context, "enable"))
    .addCommand(switchCommand(context, "disable"))
    .addCommand(removeCommand(context))
    .addHelpText("after", help)
}

function showCommand(context: CommandContext): Command {
  return apiCommand("show")
    .summary("show the settings, and what the provider must be told")
    .action(async (flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      print(context, flags, await client.signOn.get())
    })
}

function setCommand(context: CommandContext): Command {
  return apiCommand("set")
    .option("--issuer <url>", "of the provider, as its OpenID configuration names it")
    .option("--client-id <id>", "what the provider calls Coffer")
    .option("--client-secret-file <file>", "file with the client secret, - for stdin")
    .option("--allowed-domain <domain...>", "only e-mail addresses of these domains, once or more")
    .addOption(new Option("--any-domain", "e-mail addresses of any domain").conflicts("allowedDomain"))
    .addOption(
      new Option("--default-role <role>", "of people who come for the first time, invited or not").choices([
        "admin",
        "member",
        "no-access",
      ]),
    )
    .addOption(new Option("--invited-only", "nobody comes in uninvited").conflicts("defaultRole"))
    .summary("set the provider, or change some of its settings")
    .action(async (flags: SetFlags) => {
      const { client } = await connect(context, flags)
      print(context, flags, await set(context, flags, client))
      if (flags.silent !== true) context.terminal.note("Try it with: coffer sso test")
    })
}

async function set(context: CommandContext, flags: SetFlags, client: CofferClient): Promise<SignOn> {
  const old = await findSignOn(client)
  const issuer = flags.issuer ?? old?.issuer
  const clientId = flags.clientId ?? old?.clientId
  if (issuer === undefined) throw new CommandError("invalid", "--issuer is missing")
  if (clientId === undefined) throw new CommandError("invalid", "--client-id is missing")
  const isKnown = old !== undefined && old.issuer === issuer && old.clientId === clientId
  const secret = isKnown && flags.clientSecretFile === undefined ? {} : await readSecret(context, flags)
  const allowedEmailDomains =
    flags.anyDomain === true ? [] : [...(flags.allowedDomain ?? old?.allowedEmailDomains ?? [])]
  const defaultRole = flags.invitedOnly === true ? null : (flags.defaultRole ?? roleOf(old))
  const isActive = old?.isActive ?? true
  return await client.signOn.set({ issuer, clientId, ...secret, allowedEmailDomains, defaultRole, isActive })
}

async function readSecret(context: CommandContext, flags: SetFlags): Promise<{ clientSecret: string }> {
  const secret = await readCredential(context, {
    question: "Client secret",
    file: ["--client-secret-file", flags.clientSecretFile],
  })
  return { clientSecret: secret.reveal() }
}

function testCommand(context: CommandContext): Command {
  return apiCommand("test")
    .summary("ask the provider whether the settings are right, as far as that goes without a login")
    .action(async (flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const test = await client.signOn.test()
      if (flags.output === "json") printJson(context.terminal, test)
      else if (test.isUsable) context.terminal.print("The provider knows this client.")
      if (!test.isUsable)
        throw new CommandError("check-failed", test.problem ?? "the provider cannot be used")
    })
}

function switchCommand(context: CommandContext, name: "enable" | "disable"): Command {
  const isActive = name === "enable"
  return apiCommand(name)
    .summary(
      isActive ? "let people log in with the provider again" : "keep the settings, and let nobody log in",
    )
    .action(async (flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const { issuer, clientId, allowedEmailDomains, ...old } = await client.signOn.get()
      const body = { issuer, clientId, allowedEmailDomains, defaultRole: roleOf(old), isActive }
      print(context, flags, await client.signOn.set(body))
    })
}

function removeCommand(context: CommandContext): Command {
  return apiCommand("remove")
    .option(...confirmOption)
    .summary("remove the provider, and forget who of its people is who")
    .action(async (flags: ApiFlags & ConfirmFlags) => {
      const { client } = await connect(context, flags)
      const { issuer } = await client.signOn.get()
      const loss = `Nobody logs in with ${issuer} any more, and who its people are is forgotten`
      await confirmLoss(context, flags, { loss, name: issuer })
      const removed = await client.signOn.remove()
      if (flags.output === "json") return printJson(context.terminal, removed)
      context.terminal.print(`Single sign-on with ${issuer} is removed; sessions that are open go on.`)
    })
}

async function findSignOn(client: CofferClient): Promise<SignOn | undefined> {
  try {
    return await client.signOn.get()
  } catch (error) {
    if (isApiError(error, "not-found")) return undefined
    throw error
  }
}

function roleOf(signOn: Pick<SignOn, "defaultRole"> | undefined): "admin" | "member" | "no-access" | null {
  const role = signOn?.defaultRole
  return role === "admin" || role === "member" || role === "no-access" ? role : null
}

function print(context: CommandContext, flags: ApiFlags, signOn: SignOn): void {
  if (flags.output === "json") {
    printJson(context.terminal, signOn)
    return
  }
  const domains = signOn.allowedEmailDomains.join(", ")
  const rows = [
    ["issuer", signOn.issuer],
    ["client id", signOn.clientId],
    ["state", signOn.isActive ? "enabled" : "disabled"],
    ["e-mail domains", domains === "" ? "any" : domains],
    ["who comes first", signOn.defaultRole === null ? "must be invited" : `becomes ${signOn.defaultRole}`],
    ["redirect URL", signOn.redirectUrl ?? "unknown: the server needs SITE_URL"],
    ["to log in", `coffer login --method oidc --organization-slug ${signOn.organizationSlug}`],
    ["in a browser", signOn.loginUrl ?? "unknown: the server needs SITE_URL"],
  ]
  printTable(context.terminal, ["SETTING", "VALUE"], rows)
}
