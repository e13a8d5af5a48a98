/** An OpenID provider in a process of its own, for tests. Its login form takes any password. */
import { createServer } from "node:http"
import Provider from "oidc-provider"

export type ProviderSettings = {
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUrl: string
  /** What it says of its people, by the name that they log in with, which is their subject. */
  readonly people: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export type FromProvider = { readonly kind: "ready"; readonly issuer: string }

async function start(settings: ProviderSettings): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const issuer = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: settings.clientId,
        client_secret: settings.clientSecret,
        redirect_uris: [settings.redirectUrl],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["given_name", "family_name"] },
    pkce: { required: () => true },
    cookies: { keys: ["for tests only"] },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, ...settings.people[accountId] }),
    }),
  })
  server.on("request", provider.callback())
  process.send?.({ kind: "ready", issuer } satisfies FromProvider)
}

process.once("message", (settings: ProviderSettings) => void start(settings))
process.once("disconnect", () => process.exit(0))
