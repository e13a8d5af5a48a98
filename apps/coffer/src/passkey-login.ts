/** How a person logs in with a passkey: a page of the server asks the browser for it, and leads back with a code. */
import { type BrowserFlags, loginCodeFromBrowser } from "./ask-browser.ts"
import { connectAnonymously } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { SecretText } from "./secret-text.ts"
import { enterOrganization, type UserLoginFlags } from "./user-login.ts"

/** @returns a token of the chosen organization, for days */
export async function logInWithPasskey(
  context: CommandContext,
  flags: UserLoginFlags & BrowserFlags,
  domain: string,
): Promise<SecretText> {
  const { passkeyPages } = connectAnonymously(context, domain)
  const { commandLoginUrl } = await passkeyPages.addresses()
  const shown = await loginCodeFromBrowser(context, flags, commandLoginUrl)
  const token = new SecretText(await passkeyPages.exchangeLoginCode(shown))
  return await enterOrganization(context, flags, { domain, token })
}
