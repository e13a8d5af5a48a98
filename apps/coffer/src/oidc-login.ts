/**
 * How a person logs in with single sign-on: the browser proves who they are to the server, and its last page leads to a
 * port of this machine with a code, which only this command can exchange (RFC 8252, RFC 7636).
 */

import { type BrowserFlags, loginCodeFromBrowser } from "./ask-browser.ts"
import { connectAnonymously } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { SecretText } from "./secret-text.ts"
import { type CodeFlags, showCode } from "./user-login.ts"

export type OidcLoginFlags = CodeFlags & BrowserFlags & { readonly organizationSlug?: string }

/** @returns a token of the organization, for days */
export async function logInWithOidc(
  context: CommandContext,
  flags: OidcLoginFlags,
  domain: string,
): Promise<SecretText> {
  const slug =
    flags.organizationSlug ?? (await context.terminal.ask("Organization (its slug)", "--organization-slug"))
  const { signOn } = connectAnonymously(context, domain)
  const shown = await loginCodeFromBrowser(context, flags, await signOn.commandLoginUrl(slug))
  const answer = await signOn.exchangeLoginCode(shown)
  const token = new SecretText(answer.token)
  if (!answer.isMfaEnabled) return token
  return await showCode(context, flags, { domain, token, method: answer.mfaMethod })
}
