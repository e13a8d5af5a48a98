/** How a person logs in at a terminal: e-mail, password, organization, and a code where one is due. */
import { askForCode } from "./code-input.ts"
import { CommandError } from "./command-error.ts"
import { connectAnonymously, connectWith } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { askForCredential, type CredentialRequest, findCredential, readCredential } from "./secret-input.ts"
import { SecretText } from "./secret-text.ts"

export type UserLoginFlags = {
  readonly email?: string
  readonly password?: string
  readonly passwordFile?: string
  readonly organizationId?: string
  readonly organizationSlug?: string
  readonly code?: string
  readonly codeFile?: string
  readonly silent?: boolean
}

export type CodeFlags = Pick<UserLoginFlags, "code" | "codeFile" | "silent">

/** @returns a token of the chosen organization, for days */
export async function logInAsUser(
  context: CommandContext,
  flags: UserLoginFlags,
  domain: string,
): Promise<SecretText> {
  const { config, terminal } = context
  const email = flags.email ?? config.email ?? (await terminal.ask("E-mail", "--email"))
  const password = await readCredential(context, {
    question: "Password",
    argument: ["--password", flags.password],
    file: ["--password-file", flags.passwordFile],
    variable: ["INFISICAL_PASSWORD", config.password],
    silent: flags.silent,
  })
  const people = connectAnonymously(context, domain).people
  const login = new SecretText(await people.login({ email, password: password.reveal() }))
  return await enterOrganization(context, flags, { domain, token: login })
}

/**
 * Chooses the organization of a login, and shows the second factor where one is due.
 *
 * @param at the token of a login that names no organization yet
 * @returns a token of the chosen organization, for days
 */
export async function enterOrganization(
  context: CommandContext,
  flags: UserLoginFlags,
  { domain, token: login }: At,
): Promise<SecretText> {
  const organizationId = await chooseOrganization(context, flags, { domain, token: login })
  const chosen = await select(context, { domain, token: login, organizationId })
  if (!chosen.isMfaEnabled) return chosen.token
  const shown = await showCode(context, flags, { domain, token: chosen.token, method: chosen.method })
  return (await select(context, { domain, token: shown, organizationId })).token
}

type At = { readonly domain: string; readonly token: SecretText }

async function select(context: CommandContext, at: At & { readonly organizationId: string }) {
  const { people } = connectWith(context, at.domain, at.token.reveal())
  const body = { organizationId: at.organizationId, userAgent: "cli" }
  const { token, isMfaEnabled, mfaMethod: method } = await people.selectOrganization(body)
  return { token: new SecretText(token), isMfaEnabled, method }
}

async function chooseOrganization(context: CommandContext, flags: UserLoginFlags, at: At): Promise<string> {
  if (flags.organizationId !== undefined) return flags.organizationId
  const all = await connectWith(context, at.domain, at.token.reveal()).people.organizations()
  const meant =
    flags.organizationSlug === undefined ? all : all.filter(({ slug }) => slug === flags.organizationSlug)
  const [first, ...others] = meant
  const slugs = all.map(({ slug }) => slug).join(", ")
  if (first === undefined) {
    throw new CommandError("not-found", `you belong to no such organization; yours are: ${slugs}`)
  }
  if (others.length === 0) return first.id
  const slug = await context.terminal.ask(`Organization (${slugs})`, `--organization-slug (${slugs})`)
  const chosen = all.find((one) => one.slug === slug)
  if (chosen === undefined) throw new CommandError("not-found", `you belong to no organization '${slug}'`)
  return chosen.id
}

/**
 * Shows the second factor of a login. A code that was given is shown once; a person is asked again.
 *
 * @param at `method`: what the person has; a passkey needs a browser, so here a recovery code stands in for it
 * @returns a token that opens what the given one does not
 */
export async function showCode(
  context: CommandContext,
  flags: CodeFlags,
  at: At & { readonly method: "totp" | "webauthn" | undefined },
): Promise<SecretText> {
  const { people } = connectWith(context, at.domain, at.token.reveal())
  const show = async (code: SecretText) => new SecretText(await people.showCode(code.reveal()))
  const request: CredentialRequest = {
    question:
      at.method === "webauthn"
        ? "A recovery code (for your passkey, use 'coffer login --method passkey')"
        : "Code of your authenticator app, or a recovery code",
    argument: ["--code", flags.code],
    file: ["--code-file", flags.codeFile],
    variable: ["COFFER_LOGIN_CODE", context.config.loginCode],
    silent: flags.silent,
  }
  const given = await findCredential(context, request)
  if (given !== undefined) return await show(given)
  return await askForCode(context, () => askForCredential(context, request), show)
}
