/**
 * How a command has something done in the person's browser: it opens a page of the server, and the page leads back to a
 * port of this machine with a code (RFC 8252, section 7.3). Nothing in the address of the page gives anybody a right.
 */
import { hash } from "node:crypto"
import { listenForCode } from "./code-listener.ts"
import { CommandError } from "./command-error.ts"
import type { CommandContext } from "./context.ts"
import { counted } from "./counted.ts"
import { SecretText } from "./secret-text.ts"

export type BrowserFlags = {
  /** False for `--no-browser`. */
  readonly browser?: boolean
  /** Of 127.0.0.1, for the browser to come back to. */
  readonly port?: number
  /** Seconds. */
  readonly timeout?: number
}

const defaultTimeoutSeconds = 300

/**
 * @param errand `page`: what the server named; `parameters`: sent with it; `advice`: what the person should look at there;
 * `toldAtTheEnd`: what the last page in the browser says besides, from the code that it brought itself
 * @returns the code that the browser brought
 * @throws CommandError "unavailable" when nobody finished in time
 */
export async function askBrowser(
  context: CommandContext,
  flags: BrowserFlags,
  errand: {
    readonly page: string
    readonly parameters: Readonly<Record<string, string>>
    readonly advice: string
    readonly toldAtTheEnd?: (code: string) => string
  },
): Promise<string> {
  const page = pageAddress(errand.page)
  const state = unguessable(context)
  const timeoutSeconds = flags.timeout ?? defaultTimeoutSeconds
  const patience = AbortSignal.timeout(timeoutSeconds * 1_000)
  const signal = AbortSignal.any([context.signal, patience])
  const { toldAtTheEnd } = errand
  const told = toldAtTheEnd === undefined ? {} : { toldAtTheEnd }
  const listener = await listenForCode({ state, port: flags.port ?? 0, signal, ...told })
  try {
    page.search = new URLSearchParams({
      port: String(listener.port),
      state,
      ...errand.parameters,
    }).toString()
    const isOpened = flags.browser !== false && context.openBrowser(page)
    const what = isOpened
      ? "The browser opens; if it does not, open this page:"
      : "Open this page in a browser:"
    context.terminal.note(`${what}\n\n  ${page.href}\n`)
    context.terminal.note(`${errand.advice} Waiting ${counted(timeoutSeconds, "second")} at most.`)
    return await listener.code
  } catch (error) {
    if (!patience.aborted || context.signal.aborted) throw error
    const message = `nobody finished in the browser within ${counted(timeoutSeconds, "second")}; the page there says more`
    throw new CommandError("unavailable", message, { cause: error })
  } finally {
    await listener.close()
  }
}

/** A login in the browser: the code that it brought, and the verifier without which nobody can exchange it (RFC 7636). */
export async function loginCodeFromBrowser(
  context: CommandContext,
  flags: BrowserFlags,
  page: string,
): Promise<{ readonly code: string; readonly verifier: string }> {
  const verifier = new SecretText(unguessable(context))
  const challenge = hash("sha256", verifier.reveal(), "hex")
  const advice = `Continue there only if it shows ${checkOf(challenge)}.`
  const code = await askBrowser(context, flags, { page, parameters: { challenge }, advice })
  return { code, verifier: verifier.reveal() }
}

/** Eight characters of a hash, for people to compare. */
export function checkOf(hexHash: string): string {
  return `${hexHash.slice(0, 4)}-${hexHash.slice(4, 8)}`
}

function unguessable(context: CommandContext): string {
  return Buffer.from(context.randomBytes(32)).toString("base64url")
}

/** The server names the page; an address that would start anything but a browser is not opened. */
function pageAddress(text: string): URL {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol)) return url
  throw new CommandError("unexpected", "the server named no http or https address to open")
}
