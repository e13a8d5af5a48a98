import { hash } from "node:crypto"
import { emailAddress } from "@coffer/contract"
import type { Configuration, CustomFetch } from "openid-client"
import { BoundedMap } from "../../cache/index.ts"
import type { Clock } from "../../clock.ts"
import { OutboundError, type OutboundRequest, sendOutbound } from "../../outbound/index.ts"
import type { Claims, Flow, SignOn } from "./domain.ts"

const timeoutMs = 10_000
const maxAnswerBytes = 256 * 1024
const discoveryAgeMs = 10 * 60_000

type Settings = Pick<SignOn, "issuer" | "clientId"> & { readonly clientSecret: string }
type Known = { readonly configuration: Configuration; readonly at: number }

/** Speaks to OpenID providers. The library is loaded with the first login. */
export class Providers {
  readonly #clock: Clock
  readonly #allowPrivateAddresses: boolean
  readonly #known = new BoundedMap<string, Known>(500)

  constructor(clock: Clock, options: { readonly allowPrivateAddresses: boolean }) {
    this.#clock = clock
    this.#allowPrivateAddresses = options.allowPrivateAddresses
  }

  /** Where the browser is sent to log in. @throws whatever kept the provider from being asked */
  async loginUrl(settings: Settings, flow: Flow, redirectUrl: string): Promise<string> {
    const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await import("openid-client")
    const url = buildAuthorizationUrl(await this.#configurationOf(settings), {
      redirect_uri: redirectUrl,
      scope: "openid email profile",
      response_type: "code",
      state: flow.state,
      nonce: flow.nonce,
      code_challenge: await calculatePKCECodeChallenge(flow.verifier),
      code_challenge_method: "S256",
    })
    return url.href
  }

  /** Exchanges the code and checks the ID token. @throws when anything of it is not as it must be */
  async claimsOf(settings: Settings, flow: Flow, callbackUrl: URL): Promise<Claims> {
    const { authorizationCodeGrant, fetchUserInfo } = await import("openid-client")
    const configuration = await this.#configurationOf(settings)
    const tokens = await authorizationCodeGrant(configuration, callbackUrl, {
      pkceCodeVerifier: flow.verifier,
      expectedState: flow.state,
      expectedNonce: flow.nonce,
      idTokenExpected: true,
    })
    const idToken = tokens.claims()
    if (idToken === undefined) throw new Error("the provider sent no ID token")
    const hasAddress = idToken["email"] !== undefined
    const said = hasAddress
      ? idToken
      : await fetchUserInfo(configuration, tokens.access_token, idToken.sub).catch(() => idToken)
    const { success, data } = emailAddress.safeParse(said["email"])
    return {
      subject: idToken.sub,
      email: success ? data : undefined,
      isEmailVerified: said["email_verified"] === true,
      firstName: nameOf(said["given_name"]),
      lastName: nameOf(said["family_name"]),
    }
  }

  /**
   * Whether the provider can be used, as far as that shows without a person: its configuration is fetched anew, and a
   * code that nobody was given is shown to it. Who refuses the code and not the client knows the client.
   *
   * @returns what to mend, for administrators; `undefined` when nothing is amiss
   */
  async problemOf(settings: Settings, redirectUrl: string): Promise<string | undefined> {
    this.#known.delete(nameOfSettings(settings))
    if (!this.#allowPrivateAddresses && !settings.issuer.startsWith("https://")) return notHttps
    let configuration: Configuration
    try {
      configuration = await this.#configurationOf(settings)
    } catch (error) {
      return outboundProblem(error) ?? notAProvider
    }
    const { genericGrantRequest, randomPKCECodeVerifier } = await import("openid-client")
    const shown = { code: "none", redirect_uri: redirectUrl, code_verifier: randomPKCECodeVerifier() }
    try {
      await genericGrantRequest(configuration, "authorization_code", shown)
      return "The provider accepts codes that it never gave; do not use it"
    } catch (error) {
      return outboundProblem(error) ?? problemOfGrant(error)
    }
  }

  async #configurationOf(settings: Settings): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = settings
    const name = nameOfSettings(settings)
    const known = this.#known.get(name)
    if (known !== undefined && this.#clock.now() - known.at < discoveryAgeMs) return known.configuration
    const client = await import("openid-client")
    const fetchGuarded: CustomFetch = (url, options) => this.#exchange(url, options)
    // Whether plain http may be spoken is decided in #exchange, for every single request.
    const found = await client.discovery(new URL(issuer), clientId, clientSecret, undefined, {
      [client.customFetch]: fetchGuarded,
      timeout: timeoutMs / 1_000,
      execute: [client.allowInsecureRequests],
    })
    const server = found.serverMetadata()
    const isBasic = server.token_endpoint_auth_methods_supported?.includes("client_secret_basic") ?? true
    const auth = isBasic ? client.ClientSecretBasic(clientSecret) : client.ClientSecretPost(clientSecret)
    const configuration = new client.Configuration(server, clientId, clientSecret, auth)
    configuration[client.customFetch] = fetchGuarded
    configuration.timeout = timeoutMs / 1_000
    client.allowInsecureRequests(configuration)
    this.#known.set(name, { configuration, at: this.#clock.now() })
    return configuration
  }

  /** In clear only where private addresses are allowed: that is a laboratory, or a network of its own. */
  async #exchange(
    url: string,
    options: { readonly method?: string; readonly headers?: unknown; readonly body?: unknown },
  ): Promise<Response> {
    if (!this.#allowPrivateAddresses && !url.startsWith("https://")) {
      throw new OutboundError("bad-url", notHttps)
    }
    const { body } = options
    const request: OutboundRequest = {
      method: options.method === "POST" ? "POST" : "GET",
      url,
      headers: options.headers as Record<string, string>,
      timeoutMs,
      maxAnswerBytes,
      allowPrivateAddresses: this.#allowPrivateAddresses,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
    }
    const answer = await sendOutbound(request)
    const type = answer.headers["content-type"]
    return new Response(answer.body, {
      status: answer.status,
      headers: type === undefined ? {} : { "content-type": type },
    })
  }
}

function nameOfSettings({ issuer, clientId, clientSecret }: Settings): string {
  return JSON.stringify([issuer, clientId, hash("sha256", clientSecret)])
}

const notHttps =
  "The provider, and every address that it names, must be reached by https; COFFER_ALLOW_INTERNAL_CONNECTIONS=true allows http"
const notAProvider =
  "The issuer has no OpenID configuration of its own name at /.well-known/openid-configuration below it"
const clientRefused = "The provider refuses the client id or the client secret"

/** What kept a request from an answer, wherever the library put it; `undefined` when there was an answer. */
function outboundProblem(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (!(cause instanceof OutboundError)) continue
    if (cause.problem !== "private-address") return cause.message
    return `${cause.message}; COFFER_ALLOW_INTERNAL_CONNECTIONS=true allows that`
  }
  return undefined
}

/** The codes are those of RFC 6749, section 5.2; anything else that a provider says may be anything. */
function problemOfGrant(error: unknown): string | undefined {
  const code = error instanceof Error && "error" in error ? error.error : undefined
  if (code === "invalid_grant") return undefined
  const isRefusal = code === "invalid_client" || code === "unauthorized_client"
  const status = error instanceof Error && "status" in error ? error.status : undefined
  if (isRefusal || status === 401) return clientRefused
  const said = typeof code === "string" && /^[a-z_]{1,40}$/.test(code) ? ` (${code})` : ""
  return `The provider gave an answer that says nothing of the client secret${said}; only a login shows whether it is right`
}

function nameOf(claim: unknown): string {
  return typeof claim === "string" && claim.isWellFormed()
    ? claim
        .replace(/\p{Cc}/gu, " ")
        .trim()
        .slice(0, 100)
    : ""
}
