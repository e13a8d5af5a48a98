/** How a command finds its server and its token, and the flags for it. */
import { type CofferClient, createClient, normalizeBaseUrl } from "@coffer/client"
import type { Command } from "commander"
import { CommandError } from "./command-error.ts"
import type { CommandContext } from "./context.ts"
import { readStoredLogin } from "./credentials-file.ts"
import { SecretText } from "./secret-text.ts"
import { readTokenClaims } from "./token-claims.ts"

export type ConnectionFlags = {
  readonly domain?: string
  readonly token?: string
  readonly silent?: boolean
}

export type Connection = {
  readonly client: CofferClient
  readonly domain: string
  readonly token: SecretText
}

const DEFAULT_DOMAIN = "http://127.0.0.1:8080"

export function addConnectionOptions(command: Command): Command {
  return command
    .option("--domain <url>", "address of the server, with or without /api (INFISICAL_DOMAIN)")
    .option("--token <token>", "access token; better in INFISICAL_TOKEN, where other users cannot see it")
    .option("--silent", "print results and errors, no remarks")
}

/** Address of the server: flag, environment, stored login, this machine. */
export async function resolveDomain(context: CommandContext, flags: ConnectionFlags): Promise<string> {
  const written = flags.domain ?? context.config.domain
  if (written !== undefined) return toDomain(written)
  return (await readStoredLogin(context.config.credentialsFile))?.domain ?? DEFAULT_DOMAIN
}

/** A client without a token, for logins and the first run. */
export function connectAnonymously(context: CommandContext, domain: string): CofferClient {
  return createClient({ ...clientOptions(context), baseUrl: domain })
}

/** A client with the given token. */
export function connectWith(context: CommandContext, domain: string, token: string): CofferClient {
  return createClient({ ...clientOptions(context), baseUrl: domain, token })
}

/**
 * A client that is logged in: by flag, by `INFISICAL_TOKEN`, by universal auth from the environment, or by
 * the stored login, which is used only for the server that issued it.
 *
 * @throws CommandError "unauthenticated" when there is none of them
 */
export async function connect(context: CommandContext, flags: ConnectionFlags): Promise<Connection> {
  const domain = await resolveDomain(context, flags)
  const token = await findToken(context, flags, domain)
  return { domain, client: connectWith(context, domain, token), token: new SecretText(token) }
}

/**
 * As {@link connect}, for what only a person has.
 *
 * @throws CommandError "forbidden" for the login of a machine identity
 */
export async function connectAsPerson(context: CommandContext, flags: ConnectionFlags): Promise<Connection> {
  const connection = await connect(context, flags)
  const claims = readTokenClaims(connection.token)
  if (claims.kind !== "machine") return connection
  const message = `you are logged in as the machine identity '${claims.name}', which has no account; log in as a person with 'coffer login --method user', '--method passkey' or '--method oidc'`
  throw new CommandError("forbidden", message)
}

async function findToken(context: CommandContext, flags: ConnectionFlags, domain: string): Promise<string> {
  const { config } = context
  if (flags.token !== undefined) {
    warnAboutArgument(context, flags, "--token", "INFISICAL_TOKEN")
    return flags.token
  }
  if (config.token !== undefined) return config.token.reveal()
  if (config.clientId !== undefined && config.clientSecret !== undefined) {
    const credentials = { clientId: config.clientId, clientSecret: config.clientSecret.reveal() }
    return (await connectAnonymously(context, domain).auth.universalLogin(credentials)).accessToken
  }
  const stored = await readStoredLogin(config.credentialsFile)
  if (stored === undefined) {
    throw new CommandError(
      "unauthenticated",
      "not logged in; run 'coffer login' (also with --method passkey or oidc), or set INFISICAL_TOKEN",
    )
  }
  if (stored.domain !== domain) {
    const message = `the stored login is for ${stored.domain}, not for ${domain}; run 'coffer login --domain ${domain}'`
    throw new CommandError("unauthenticated", message)
  }
  return stored.token.reveal()
}

/** Arguments are visible to every user of the machine and stay in the shell's history. */
export function warnAboutArgument(
  context: CommandContext,
  flags: { readonly silent?: boolean },
  flag: string,
  instead: string,
): void {
  if (flags.silent === true) return
  context.terminal.note(`warning: other users of this machine can see ${flag}; prefer ${instead}`)
}

function clientOptions(context: CommandContext) {
  return {
    fetch: context.fetch,
    random: context.random,
    signal: context.signal,
    // The name by which the audit log of every server of the contract knows the command line.
    userAgent: "cli",
  }
}

function toDomain(text: string): string {
  try {
    return normalizeBaseUrl(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "not an address"
    throw new CommandError("invalid", `--domain: ${reason}`, { cause })
  }
}
