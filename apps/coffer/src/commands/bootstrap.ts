/** `coffer bootstrap`: the first run of a server. */
import { type CofferClient, isApiError } from "@coffer/client"
import { newPassword } from "@coffer/contract"
import { Command, Option } from "commander"
import { CommandError } from "../command-error.ts"
import { connectAnonymously, resolveDomain } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { writeStoredLogin } from "../credentials-file.ts"
import { printJson } from "../output.ts"
import { readCredential, readCredentialFile, refuseStdinTwice } from "../secret-input.ts"
import {
  addManifestOptions,
  type ManifestFlags,
  readSecretName,
  renderSecretManifest,
} from "../secret-manifest.ts"
import { SecretText } from "../secret-text.ts"

type Flags = ManifestFlags & {
  readonly domain?: string
  readonly email?: string
  readonly password?: string
  readonly passwordFile?: string
  readonly organization?: string
  readonly setupTokenFile?: string
  readonly output?: "json" | "k8-secret"
  readonly ignoreIfBootstrapped?: boolean
  readonly silent?: boolean
}

type BootstrapResult = Awaited<ReturnType<CofferClient["admin"]["bootstrap"]>>

const help = `
Without --output the first user is logged in here, and the token of the admin identity, which nobody would keep, is
revoked. With --output that token is printed, for automation, and nothing is stored. From another machine than the
server's, the setup token is needed that the server printed at its first start.

Examples:
  coffer bootstrap --email me@example.com --organization Acme
  coffer bootstrap --email me@example.com --organization Acme --password-file admin.txt --output json
  coffer bootstrap --ignore-if-bootstrapped --output k8-secret | kubectl apply -f -
`

export function bootstrapCommand(context: CommandContext): Command {
  const command = new Command()
    .description(
      "Sets up a new server: first user, who is logged in, and organization. It works once per server.",
    )
    .option("--domain <url>", "address of the server, with or without /api (INFISICAL_DOMAIN)")
    .option("--email <address>", "e-mail of the first user (INFISICAL_ADMIN_EMAIL)")
    .option(
      "--password-file <file>",
      "file with the first user's password, - for stdin (INFISICAL_ADMIN_PASSWORD)",
    )
    .option("--password <password>", "the password itself; visible to other users of this machine")
    .option("--organization <name>", "name of the organization (INFISICAL_ADMIN_ORGANIZATION)")
    .option("--setup-token-file <file>", "file with the setup token, - for stdin (COFFER_SETUP_TOKEN)")
    .option("--ignore-if-bootstrapped", "succeed when the server has been set up already")
    .addOption(
      new Option("-o, --output <format>", "print the token of the admin identity").choices([
        "json",
        "k8-secret",
      ]),
    )
    .option("--silent", "print results and errors, no remarks")
    .addHelpText("after", help)
    .action((flags: Flags) => bootstrap(context, flags))
  return addManifestOptions(command, "infisical-bootstrap-secret")
}

async function bootstrap(context: CommandContext, flags: Flags): Promise<void> {
  readSecretName(flags)
  const domain = await resolveDomain(context, flags)
  const { config, terminal } = context
  const client = connectAnonymously(context, domain)
  // A person is not asked for five things only to hear that nothing was wanted.
  if (terminal.isInteractive && (await client.admin.isSetUp())) return reportSetUp(context, flags, domain)
  const email = flags.email ?? config.adminEmail ?? (await terminal.ask("E-mail", "--email"))
  const organization =
    flags.organization ?? config.adminOrganization ?? (await terminal.ask("Organization", "--organization"))
  requireText("--email", email)
  requireText("--organization", organization)
  refuseStdinTwice(["--password-file", flags.passwordFile], ["--setup-token-file", flags.setupTokenFile])
  const password = await readPassword(context, flags)
  const setupToken = await readSetupToken(context, flags)
  try {
    const body = { email, organization, password: password.reveal() }
    const result = await client.admin.bootstrap(body, { setupToken: setupToken?.reveal() })
    await present(context, flags, { domain, result, password })
  } catch (error) {
    if (isApiError(error, "forbidden")) throw notFromHere(error, setupToken !== undefined)
    if (!isSetUpAlready(error)) throw error
    reportSetUp(context, flags, domain, error)
  }
}

function reportSetUp(context: CommandContext, flags: Flags, domain: string, cause?: Error): void {
  const message = cause?.message ?? `${domain} has already been set up`
  if (flags.ignoreIfBootstrapped !== true) {
    throw new CommandError("conflict", `${message}; log in with 'coffer login'`, { cause })
  }
  if (flags.output === "json") printJson(context.terminal, { message })
  else if (flags.silent !== true) context.terminal.note(`${message}; nothing was changed`)
}

/** Only this refusal: a server that is away or input that is wrong stays an error. */
function isSetUpAlready(error: unknown): error is Error {
  return isApiError(error, "conflict") && /already been set up/i.test(error.message)
}

function notFromHere(refusal: Error, hasToken: boolean): CommandError {
  const fix = hasToken
    ? "the setup token that was given is none of this server's"
    : "give that token with --setup-token-file or COFFER_SETUP_TOKEN"
  return new CommandError("forbidden", `${refusal.message}; ${fix}`, { cause: refusal })
}

async function readPassword(context: CommandContext, flags: Flags): Promise<SecretText> {
  const { adminPassword } = context.config
  const password = await readCredential(context, {
    question: "Password",
    argument: ["--password", flags.password],
    file: ["--password-file", flags.passwordFile],
    variable: ["INFISICAL_ADMIN_PASSWORD", adminPassword],
    silent: flags.silent,
    confirm: true,
  })
  // What scripts give is their author's choice, as at every server of the contract.
  const isTyped = [flags.password, flags.passwordFile, adminPassword].every((given) => given === undefined)
  const judged = newPassword.safeParse(password.reveal())
  if (isTyped && !judged.success) {
    throw new CommandError("invalid", `--password: ${judged.error.issues[0]?.message ?? "is refused"}`)
  }
  return password
}

async function readSetupToken(context: CommandContext, flags: Flags): Promise<SecretText | undefined> {
  if (flags.setupTokenFile === undefined) return context.config.setupToken
  return await readCredentialFile(context, "--setup-token-file", flags.setupTokenFile)
}

type Outcome = {
  readonly domain: string
  readonly result: BootstrapResult
  readonly password: SecretText
}

async function present(context: CommandContext, flags: Flags, outcome: Outcome): Promise<void> {
  const { terminal, config } = context
  const { domain, result } = outcome
  const token = result.identity.credentials.token
  if (flags.output === "json") return printJson(terminal, result)
  if (flags.output === "k8-secret") {
    return terminal.print(renderSecretManifest(readSecretName(flags), { token }))
  }
  const login = await logIn(context, outcome)
  await writeStoredLogin(config.credentialsFile, { domain, token: login.token }, context.newId())
  terminal.print(
    `Organization ${result.organization.name} (${result.organization.slug}) is ready at ${domain}.`,
  )
  terminal.print(`First user: ${result.user.email}`)
  terminal.print(`You are logged in as ${login.name}; the token is in ${config.credentialsFile}`)
}

/**
 * As the person: what they make is theirs, so that they find it at their next login. Only where that fails, as at a
 * server with another way for people to log in, the admin identity's token is kept: it is not given a second time.
 */
async function logIn(context: CommandContext, { domain, result, password }: Outcome) {
  const { user, organization, identity } = result
  const admin = identity.credentials.token
  try {
    const { logInAsUser } = await import("../user-login.ts")
    const flags = { email: user.email, password: password.reveal(), organizationId: organization.id }
    const token = await logInAsUser(context, { ...flags, silent: true }, domain)
    await revoke(context, domain, admin)
    return { token, name: user.email }
  } catch (error) {
    if (!isApiError(error)) throw error
    context.terminal.note(`warning: ${user.email} could not be logged in: ${error.message}`)
    return { token: new SecretText(admin), name: identity.name }
  }
}

async function revoke(context: CommandContext, domain: string, token: string): Promise<void> {
  await connectAnonymously(context, domain)
    .auth.revokeToken(token)
    .catch((error: unknown) => {
      if (!isApiError(error)) throw error
      context.terminal.note(`warning: the admin identity's token could not be revoked: ${error.message}`)
    })
}

function requireText(flag: string, value: string): void {
  if (value.trim() === "") throw new CommandError("invalid", `${flag} is empty`)
}
