/** The OpenID provider of the organization, and logging in with it; Coffer's own routes. */
import {
  type CommandTokenAnswer,
  type CommandTokenBody,
  commandTokenAnswer,
  type OidcObject,
  oidcTestAnswer,
  oneOidcAnswer,
  type SetOidcBody,
  signOnAddressAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

const base = "/api/coffer/v1/organization/oidc"

export function signOnArea(transport: Transport) {
  return {
    /** @throws ApiError "not-found" when the organization has none */
    get: async (): Promise<OidcObject> =>
      (await transport.call({ method: "GET", path: base, schema: oneOidcAnswer })).oidc,

    /** All settings at once; the client secret stays while issuer and client id do. */
    set: async (body: SetOidcBody): Promise<OidcObject> =>
      (await transport.call({ method: "POST", path: base, body, schema: oneOidcAnswer })).oidc,

    remove: async (): Promise<OidcObject> =>
      (await transport.call({ method: "DELETE", path: base, schema: oneOidcAnswer })).oidc,

    /** Whether the provider can be used, as far as that shows without a person. */
    test: async () =>
      (await transport.call({ method: "POST", path: `${base}/test`, schema: oidcTestAnswer })).test,

    /** Where a browser begins a single sign-on for a command. @throws ApiError "not-found" without one */
    commandLoginUrl: async (organizationSlug: string): Promise<string> => {
      const path = `/api/coffer/v1/sso/oidc/${encodeURIComponent(organizationSlug)}`
      const call = { method: "GET", path, schema: signOnAddressAnswer, anonymous: true } as const
      return (await transport.call(call)).commandLoginUrl
    },

    /** Exchanges the code that a browser brought. With `isMfaEnabled` the token needs `people.showCode` first. */
    exchangeLoginCode: (body: CommandTokenBody): Promise<CommandTokenAnswer> =>
      transport.call({
        method: "POST",
        path: "/api/coffer/v1/sso/oidc/command-token",
        body,
        schema: commandTokenAnswer,
        anonymous: true,
      }),
  }
}
