/** Logging in, and what a token may still do. */
import {
  type AccessTokenAnswer,
  accessTokenAnswer,
  identityDetailsAnswer,
  revokeTokenAnswer,
  type UniversalAuthLoginBody,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

export type Organization = { readonly id: string; readonly name: string; readonly slug: string }

export function authArea(transport: Transport) {
  return {
    /** Exchanges a client id and a client secret for an access token; the client goes on with its own token. */
    universalLogin: (credentials: UniversalAuthLoginBody): Promise<AccessTokenAnswer> =>
      transport.call({
        method: "POST",
        path: "/api/v1/auth/universal-auth/login",
        body: credentials,
        schema: accessTokenAnswer,
        anonymous: true,
      }),

    /** A new token of the same family with a new lifetime. */
    renewToken: (accessToken: string): Promise<AccessTokenAnswer> =>
      transport.call({
        method: "POST",
        path: "/api/v1/auth/token/renew",
        body: { accessToken },
        schema: accessTokenAnswer,
        anonymous: true,
      }),

    /** Ends a token; one that ended already is no error. */
    revokeToken: async (accessToken: string): Promise<void> => {
      await transport.call({
        method: "POST",
        path: "/api/v1/auth/token/revoke",
        body: { accessToken },
        schema: revokeTokenAnswer,
        anonymous: true,
      })
    },

    /** The organization of the identity whose token this is. */
    organization: async (): Promise<Organization> => {
      const answer = await transport.call({
        method: "GET",
        path: "/api/v1/identities/details",
        schema: identityDetailsAnswer,
      })
      return answer.identityDetails.organization
    },
  }
}
