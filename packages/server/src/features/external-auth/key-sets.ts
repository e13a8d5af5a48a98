/** Public keys of issuers, fetched when a token needs them and kept for a while. */
import { hash } from "node:crypto"
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from "jose"
import { BoundedMap } from "../../cache/index.ts"
import type { Clock } from "../../clock.ts"
import { OutboundError, type OutboundRequest, sendOutbound } from "../../outbound/index.ts"
import { providerAway } from "./login-refusal.ts"

const timeoutMs = 10_000
const maxAnswerBytes = 64 * 1024
const discoveryAgeMs = 10 * 60_000

export type Issuer = {
  readonly url: string
  /** PEM; `""` = the authorities that the system trusts. */
  readonly caPem: string
  readonly allowPrivateAddresses: boolean
}

type Discovered = { readonly jwksUri: string; readonly issuer: string; readonly at: number }

export class KeySets {
  readonly #clock: Clock
  readonly #sets = new BoundedMap<string, JWTVerifyGetKey>(500)
  readonly #discovered = new BoundedMap<string, Discovered>(500)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The keys behind a JWKS address; fetched by the first verification, again when a key id is unknown. */
  keysAt(issuer: Issuer): JWTVerifyGetKey {
    const name = nameOf(issuer)
    const known = this.#sets.get(name)
    if (known !== undefined) return known
    const keys = createRemoteJWKSet(new URL(issuer.url), {
      timeoutDuration: timeoutMs,
      cooldownDuration: 30_000,
      [customFetch]: async (url) => {
        const answer = await ask({ ...issuer, url: String(url) })
        return new Response(answer, { status: 200, headers: { "content-type": "application/json" } })
      },
    })
    this.#sets.set(name, keys)
    return keys
  }

  /**
   * Where an OpenID provider keeps its keys (OpenID Connect Discovery 1.0, section 4).
   * @throws LoginRefusal when the provider is away or its document can't be used
   */
  async discover(provider: Issuer): Promise<{ readonly keys: JWTVerifyGetKey; readonly issuer: string }> {
    const name = nameOf(provider)
    let found = this.#discovered.get(name)
    if (found === undefined || this.#clock.now() - found.at > discoveryAgeMs) {
      found = { ...(await readDiscovery(provider)), at: this.#clock.now() }
      this.#discovered.set(name, found)
    }
    return { keys: this.keysAt({ ...provider, url: found.jwksUri }), issuer: found.issuer }
  }
}

async function readDiscovery(provider: Issuer): Promise<{ jwksUri: string; issuer: string }> {
  const url = `${provider.url.replace(/\/+$/, "")}/.well-known/openid-configuration`
  let document: unknown
  try {
    document = JSON.parse(await ask({ ...provider, url }))
  } catch (cause) {
    if (cause instanceof SyntaxError) throw unusable(cause)
    throw providerAway(`The OpenID provider could not be asked: ${reasonOf(cause)}`, cause)
  }
  if (typeof document !== "object" || document === null) throw unusable(undefined)
  const { jwks_uri: jwksUri, issuer } = document as Readonly<Record<string, unknown>>
  if (typeof jwksUri !== "string" || typeof issuer !== "string" || !URL.canParse(jwksUri)) {
    throw unusable(undefined)
  }
  return { jwksUri, issuer }
}

/** Why a provider could not be asked, without anything it said. */
export function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof OutboundError ? cause.cause : cause
  return inner instanceof OutboundError ? inner.message : "it gave no usable answer"
}

async function ask(issuer: Issuer): Promise<string> {
  const request: OutboundRequest = {
    method: "GET",
    url: issuer.url,
    headers: { accept: "application/json" },
    timeoutMs,
    maxAnswerBytes,
    allowPrivateAddresses: issuer.allowPrivateAddresses,
    ...(issuer.caPem === "" ? {} : { caPem: issuer.caPem }),
  }
  const answer = await sendOutbound(request)
  if (answer.status === 200) return answer.body
  throw new OutboundError("unreachable", `${new URL(issuer.url).host} answered ${answer.status}`)
}

function unusable(cause: unknown): Error {
  return providerAway("The OpenID provider's discovery document names no keys", cause)
}

function nameOf(issuer: Issuer): string {
  return hash("sha256", JSON.stringify([issuer.url, issuer.caPem, issuer.allowPrivateAddresses]), "base64url")
}
