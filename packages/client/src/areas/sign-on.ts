/** The OpenID provider of the organization; Coffer's own routes. */
import { type OidcObject, oidcTestAnswer, oneOidcAnswer, type SetOidcBody } from "@coffer/contract"
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
  }
}
