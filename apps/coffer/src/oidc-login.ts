/**
 * How a person logs in with single sign-on: the browser proves who they are to the server, and its last page leads to a
 * port of this machine with a code, which only this command can exchange (RFC 8252, RFC 7636).
 */

import { hash } from "node:crypto"
import { listenForCode } from "./code-listener.ts"
import { CommandError } from "./command-error.ts"
import { connectAnonymously } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { counted } from "./counted.ts"
import { SecretText } from "./secret-text.ts"
import { type CodeFlags, showCode } from "./user-login.ts"

export type OidcLoginFlags = CodeFlags & {
  readonly organizationSlug?: string
  /** False for `--no-browser`. */
  readonly browser?: boolean
  /** Of 127.0.0.1, for the browser to come back to. */
  readonly port?: number
  /** Seconds. */
  readonly timeout?: number
}

const defaultTimeoutSeconds = 300

/** @returns a token of the organization, for days */
export async function logInWithOidc(
  context: CommandContext,
  flags: OidcLoginFlags,
  domain: string,
): Promise<SecretText> {
  const slug =
    flags.organizationSlug ?? (await context.terminal.ask("Organization (its slug)", "--organization-slug"))
  const { signOn } = connectAnonymously(context, domain)
  const page = pageAddress(await signOn.commandLoginUrl(slug))
  const { code, verifier } = await codeFromBrowser(context, flags, page)
  const answer = await signOn.exchangeLoginCode({ code, verifier: verifier.reveal() })
  const token = new SecretText(answer.token)
  if (!answer.isMfaEnabled) return token
  return await showCode(context, flags, { domain, token, method: answer.mfaMethod })
}

async function codeFromBrowser(
  context: CommandContext,
  flags: OidcLoginFlags,
  page: URL,
): Promise<{ readonly code: string; readonly verifier: SecretText }> {
  const unguessable = () => Buffer.from(context.randomBytes(32)).toString("base64url")
  const [state, verifier] = [unguessable(), new SecretText(unguessable())]
  const challenge = hash("sha256", verifier.reveal(), "hex")
  const timeoutSeconds = flags.timeout ?? defaultTimeoutSeconds
  const patience = AbortSignal.timeout(timeoutSeconds * 1_000)
  const signal = AbortSignal.any([context.signal, patience])
  const listener = await listenForCode({ state, port: flags.port ?? 0, signal })
  try {
    page.search = new URLSearchParams({ port: String(listener.port), state, challenge }).toString()
    const isOpened = flags.browser !== false && context.openBrowser(page)
    const what = isOpened
      ? "The browser opens; if it does not, open this page:"
      : "Open this page in a browser:"
    const check = `${challenge.slice(0, 4)}-${challenge.slice(4, 8)}`
    context.terminal.note(`${what}\n\n  ${page.href}\n`)
    context.terminal.note(
      `Continue there only if it shows ${check}. Waiting ${counted(timeoutSeconds, "second")} at most.`,
    )
    return { code: await listener.code, verifier }
  } catch (error) {
    if (!patience.aborted || context.signal.aborted) throw error
    const message = `nobody finished the login in the browser within ${counted(timeoutSeconds, "second")}; the page there says more`
    throw new CommandError("unavailable", message, { cause: error })
  } finally {
    await listener.close()
  }
}

/** The server names the page; an address that would start anything but a browser is not opened. */
function pageAddress(text: string): URL {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol)) return url
  throw new CommandError("unexpected", "the server named no http or https address to log in at")
}
