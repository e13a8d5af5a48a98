/** For which site passkeys are made (WebAuthn, "relying party"). Pure. */
import { AppError } from "../../errors.ts"

export type RelyingParty = {
  /** The host name that a passkey is bound to. */
  readonly id: string
  /** Scheme, host and port of the pages that may ask for it. */
  readonly origin: string
}

/**
 * The site of this server: the configured address, or without one the name `localhost`, for which browsers make an
 * exception. A host that the client made up is never believed.
 *
 * @param siteUrl `COFFER_SITE_URL`
 * @param host the `Host` header
 * @throws AppError "invalid" that says what to configure
 */
export function relyingPartyOf(siteUrl: string | undefined, host: string | undefined): RelyingParty {
  if (siteUrl !== undefined) return configured(new URL(siteUrl))
  if (host !== undefined && /^localhost(:\d{1,5})?$/.test(host)) {
    return { id: "localhost", origin: `http://${host}` }
  }
  throw notConfigured()
}

/**
 * What a caller means by the host it names: a command that was told `127.0.0.1` means this machine, whose pages have
 * passkeys as `localhost`. A page that asks from there sends its origin, and has none.
 */
export function siteHost(headers: {
  readonly host?: string | undefined
  readonly origin?: string | undefined
}): string | undefined {
  return headers.origin === undefined
    ? headers.host?.replace(/^127\.0\.0\.1(?=:|$)/, "localhost")
    : headers.host
}

function configured({ protocol, hostname, origin }: URL): RelyingParty {
  const isName = /[a-z]/i.test(hostname) && !hostname.startsWith("[")
  if (!isName || (protocol !== "https:" && hostname !== "localhost")) throw notConfigured()
  return { id: hostname, origin }
}

function notConfigured(): AppError {
  return new AppError(
    "invalid",
    "BadRequest",
    "Passkeys are bound to the address of this server: set COFFER_SITE_URL to its https address, with a host name",
  )
}
