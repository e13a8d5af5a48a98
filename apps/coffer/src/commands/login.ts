/** `coffer login`: exchanges credentials for a token and keeps it; `login status` says what is kept. */
import { isApiError } from "@coffer/client"
import { Command, Option } from "commander"
import { aPort, someSeconds } from "../browser-flags.ts"
import { CommandError } from "../command-error.ts"
import {
  addConnectionOptions,
  type ConnectionFlags,
  connect,
  connectAnonymously,
  connectWith,
  resolveDomain,
} from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { writeStoredLogin } from "../credentials-file.ts"
import type { OidcLoginFlags } from "../oidc-login.ts"
import { type OutputFormat, outputOption, printJson, printTable } from "../output.ts"
import { organizationOf } from "../own-organization.ts"
import { readCredential, refuseStdinTwice } from "../secret-input.ts"
import { SecretText } from "../secret-text.ts"
import { readTokenClaims } from "../token-claims.ts"
import type { UserLoginFlags } from "../user-login.ts"

type Method = "user" | "oidc" | "passkey" | "universal-auth" | "token"
type Flags = ConnectionFlags &
  UserLoginFlags &
  OidcLoginFlags & {
    readonly method?: Method
    readonly clientId?: string
    readonly clientSecret?: string
    readonly clientSecretFile?: string
    readonly tokenFile?: string
    readonly organizationSlug?: string
    readonly plain?: boolean
  }

const help = `
The token and the address of its server go into $XDG_CONFIG_HOME/coffer/credentials.json, readable by you
only. With --plain the token is printed and nothing is stored.

Where a second factor is set up, a one-time password or a recovery code is asked for, or taken from --code-file or
COFFER_LOGIN_CODE.

With --method passkey a page of the server asks the browser for a passkey; with --method oidc the login happens at the
OpenID provider of the organization. Both come back to a port of this machine. On a machine without a browser, fix the
port and forward it from the one that has it: ssh -L 8250:127.0.0.1:8250 this-machine, then
coffer login --method oidc --no-browser --port 8250.

Examples:
  coffer login --method user --email me@example.com
  coffer login --email me@example.com --password-file password.txt --code-file -
  coffer login --method passkey
  coffer login --method oidc --organization-slug acme-4f2k
  coffer login --client-id 2f6a1c3e-... --client-secret-file secret.txt
  export INFISICAL_TOKEN=$(coffer login --method universal-auth --plain --silent)
  coffer login --method token --token-file token.txt --domain https://secrets.example.com
`

export function loginCommand(context: CommandContext): Command {
  const login = new Command()
    .description(
      "Logs in as a person (password, passkey or single sign-on), with a machine identity (universal auth), or with a token that exists already.",
    )
    .addOption(
      new Option("--method <method>", "how; guessed from what is given, user if nothing is").choices([
        "user",
        "oidc",
        "passkey",
        "universal-auth",
        "token",
      ]),
    )
    .option("--client-id <id>", "client id (INFISICAL_UNIVERSAL_AUTH_CLIENT_ID)")
    .option(
      "--client-secret-file <file>",
      "file with the client secret, - for stdin (INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET)",
    )
    .option("--client-secret <secret>", "the client secret itself; visible to other users of this machine")
    .option("--token-file <file>", "file with the token, - for stdin (INFISICAL_TOKEN)")
    .option("--organization-slug <slug>", "the organization; a machine is refused by any other")
    .option("--organization-id <id>", "the same for a person, by its id")
    .option("--email <address>", "of a person (INFISICAL_EMAIL)")
    .option("--password-file <file>", "file with the person's password, - for stdin (INFISICAL_PASSWORD)")
    .option("--password <password>", "the password itself; visible to other users of this machine")
    .option(
      "--code-file <file>",
      "file with the code of a second factor, - for stdin (COFFER_LOGIN_CODE); asked for without it",
    )
    .option("--code <code>", "the code itself; visible to other users of this machine while it is good")
    .option("--no-browser", "with oidc and passkey: only print the page to open")
    .option(
      "--port <port>",
      "with oidc and passkey: the port of 127.0.0.1 to come back to; by default a free one",
      aPort,
    )
    .option(
      "--timeout <seconds>",
      "with oidc and passkey: how long to wait for the browser",
      someSeconds,
      300,
    )
    .option("--plain", "print the token alone and store nothing")
    .addHelpText("after", help)
    .action((flags: Flags) => logIn(context, flags))
  addConnectionOptions(login).addCommand(statusCommand(context))
  return login
}

async function logIn(context: CommandContext, flags: Flags): Promise<void> {
  refuseStdinTwice(
    ["--client-secret-file", flags.clientSecretFile],
    ["--token-file", flags.tokenFile],
    ["--password-file", flags.passwordFile],
    ["--code-file", flags.codeFile],
  )
  const domain = await resolveDomain(context, flags)
  const method = flags.method ?? guessMethod(context, flags)
  const token = await logins[method](context, flags, domain)
  if (flags.plain === true) return context.terminal.print(token.reveal())
  await writeStoredLogin(context.config.credentialsFile, { domain, token }, context.newId())
  if (flags.silent === true) return
  const claims = readTokenClaims(token)
  context.terminal.print(`Logged in to ${domain}${claims.kind === "unknown" ? "" : ` as ${claims.name}`}.`)
}

type Login = (context: CommandContext, flags: Flags, domain: string) => Promise<SecretText>

const logins: Readonly<Record<Method, Login>> = {
  user: async (context, flags, domain) => {
    const { logInAsUser } = await import("../user-login.ts")
    return await logInAsUser(context, flags, domain)
  },
  oidc: async (context, flags, domain) => {
    const { logInWithOidc } = await import("../oidc-login.ts")
    return await logInWithOidc(context, flags, domain)
  },
  passkey: async (context, flags, domain) => {
    const { logInWithPasskey } = await import("../passkey-login.ts")
    return await logInWithPasskey(context, flags, domain)
  },
  "universal-auth": exchange,
  token: takeToken,
}

function guessMethod(context: CommandContext, flags: Flags): Method {
  const hasToken = [flags.token, flags.tokenFile, context.config.token].some((given) => given !== undefined)
  const hasClient = [flags.clientId, context.config.clientId].some((given) => given !== undefined)
  const isPerson = [flags.email, context.config.email].some((given) => given !== undefined)
  if (hasClient) return "universal-auth"
  if (hasToken) return "token"
  return isPerson || context.terminal.isInteractive ? "user" : "universal-auth"
}

async function exchange(context: CommandContext, flags: Flags, domain: string): Promise<SecretText> {
  const { config, terminal } = context
  const clientId = flags.clientId ?? config.clientId ?? (await terminal.ask("Client id", "--client-id"))
  const clientSecret = await readCredential(context, {
    question: "Client secret",
    argument: ["--client-secret", flags.clientSecret],
    file: ["--client-secret-file", flags.clientSecretFile],
    variable: ["INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", config.clientSecret],
    silent: flags.silent,
  })
  const answer = await connectAnonymously(context, domain).auth.universalLogin({
    clientId,
    clientSecret: clientSecret.reveal(),
    ...(flags.organizationSlug === undefined ? {} : { organizationSlug: flags.organizationSlug }),
  })
  return new SecretText(answer.accessToken)
}

/** A token is shown to its server before it is kept, so that a typo is found now. */
async function takeToken(context: CommandContext, flags: Flags, domain: string): Promise<SecretText> {
  const token = await readCredential(context, {
    question: "Token",
    argument: ["--token", flags.token],
    file: ["--token-file", flags.tokenFile],
    variable: ["INFISICAL_TOKEN", context.config.token],
    silent: flags.silent,
  })
  await organizationOf(connectWith(context, domain, token.reveal()), token).catch((error: unknown) =>
    refuse(domain, "token", error),
  )
  return token
}

type StatusFlags = ConnectionFlags & { readonly output: OutputFormat }

function statusCommand(context: CommandContext): Command {
  const command = new Command("status")
    .summary("show the login and ask the server whether it is still good")
    .description("Shows which login is used and whether the server accepts it. Exit code 3 when it does not.")
    .addOption(outputOption())
  return addConnectionOptions(command).action((_flags: StatusFlags, self: Command) =>
    showStatus(context, self.optsWithGlobals<StatusFlags>()),
  )
}

async function showStatus(context: CommandContext, flags: StatusFlags): Promise<void> {
  const { client, domain, token } = await connect(context, flags)
  const organization = await organizationOf(client, token).catch((error: unknown) =>
    refuse(domain, "login", error),
  )
  const claims = readTokenClaims(token)
  const name = claims.kind === "unknown" ? "" : claims.name
  const facts = { domain, name, organization: organization.name, organizationSlug: organization.slug }
  if (flags.output === "json") return printJson(context.terminal, { ...facts, isValid: true })
  printTable(
    context.terminal,
    ["SERVER", "AS", "ORGANIZATION", "STATUS"],
    [[domain, name, `${organization.name} (${organization.slug})`, "valid"]],
  )
}

/** Servers of the contract answer 403 to a token that they never issued; for a login that is the same. */
function refuse(domain: string, what: "login" | "token", error: unknown): never {
  if (!isApiError(error, "unauthenticated", "forbidden")) throw error
  const fix = what === "login" ? "; run 'coffer login'" : ""
  const message = `${domain} refuses this ${what}: ${error.message}${fix}`
  throw new CommandError("unauthenticated", message, { cause: error })
}
