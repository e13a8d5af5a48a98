import { type Answer, anInstance, type Instance } from "../../../testing/test-app.ts"
import { OpenIdProvider } from "./open-id-provider.ts"

type Json = Readonly<Record<string, unknown>>
type Storage = Parameters<typeof anInstance>[0]

export const siteUrl = "https://coffer.acme.test"
export const clientSecret = "SECRET-of-the-client-61c0"
export const settingsPath = "/coffer/v1/organization/oidc"
export const callbackPath = "/coffer/v1/sso/oidc/callback"
const clientId = "coffer"

export type Page = {
  readonly status: number
  readonly html: string
  readonly headers: Readonly<Record<string, unknown>>
}
export type Begun = { readonly url: string; readonly cookie: string }

/** What the provider says of its people. */
const people = {
  ann: { email: "Ann@acme.test", email_verified: true, given_name: "Ann", family_name: "A." },
  root: { email: "root@acme.test", email_verified: true },
  unverified: { email: "root@acme.test", email_verified: false },
  texty: { email: "root@acme.test", email_verified: "true" },
  foreign: { email: "mallory@evil.test", email_verified: true },
  nameless: {},
}

/** A server with an OpenID provider in a process of its own. */
export class SignOnBench {
  readonly instance: Instance
  readonly provider: OpenIdProvider
  slug = ""

  private constructor(instance: Instance, provider: OpenIdProvider) {
    this.instance = instance
    this.provider = provider
  }

  static async on(storage: Storage, config: Parameters<typeof anInstance>[1] = {}): Promise<SignOnBench> {
    const redirectUrl = `${siteUrl}/api${callbackPath}`
    const provider = await OpenIdProvider.start({ clientId, clientSecret, redirectUrl, people })
    const instance = await anInstance(storage, { siteUrl, allowInternalConnections: true, ...config })
    return new SignOnBench(instance, provider)
  }

  call(method: string, url: string, body?: Json, token = this.instance.adminToken): Promise<Answer> {
    return this.instance.test.call(method, url, body === undefined ? { token } : { token, body })
  }

  /** Sets the provider of the organization. */
  async set(of: Json = {}): Promise<Answer["body"]> {
    const body = { issuer: this.provider.issuer, clientId, clientSecret, ...of }
    const answer = await this.call("POST", settingsPath, body)
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
    this.slug = /oidc\/([^/]+)\/login$/.exec(answer.body.oidc.loginUrl)?.[1] ?? ""
    return answer.body.oidc
  }

  async open(path: string, cookie = ""): Promise<Page> {
    const accept = "text/html,application/xhtml+xml"
    const headers = { host: "coffer.acme.test", accept, ...(cookie === "" ? {} : { cookie }) }
    const answer = await this.instance.test.app.http.inject({ method: "GET", url: `/api${path}`, headers })
    return { status: answer.statusCode, html: answer.body, headers: answer.headers }
  }

  /** Begins a login in a new browser, for itself or for a command. */
  async begin(command?: Readonly<Record<string, string>>): Promise<Begun> {
    const base = `/coffer/v1/sso/oidc/${this.slug}`
    const page = await this.open(
      command === undefined ? `${base}/login` : `${base}/command-login?${new URLSearchParams(command)}`,
    )
    if (page.status !== 303) throw new Error(`${page.status} ${page.html}`)
    return { url: String(page.headers["location"]), cookie: cookieOf(page, "coffer_oidc") ?? "" }
  }

  /** The callback that the provider sends a browser to after a login there: path and query. */
  async callback(begun: Begun, person: string): Promise<string> {
    const url = new URL(await this.provider.logIn(begun.url, person))
    return url.pathname.replace(/^\/api/, "") + url.search
  }

  /** A whole login in one browser. */
  async logIn(person: string): Promise<Page> {
    const begun = await this.begin()
    return await this.open(await this.callback(begun, person), begun.cookie)
  }

  /** An access token with the session cookie that a login left. */
  async tokenOf(page: Page): Promise<string> {
    const cookie = cookieOf(page, "jid")
    if (cookie === undefined) throw new Error(`not logged in: ${page.status} ${page.html}`)
    return (await this.instance.test.ok("POST", "/v1/auth/token", { headers: { cookie } })).token
  }
}

export function cookieOf(page: Page, name: string): string | undefined {
  const headers = [page.headers["set-cookie"]].flat().map(String)
  const found = headers.find((header) => header.startsWith(`${name}=`))?.split(";")[0]
  return found === `${name}=` ? undefined : found
}
