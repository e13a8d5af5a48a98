import { accessTokenAnswer, accessTokenBody, revokeTokenAnswer } from "@coffer/contract"
import { openEndpoint, type Routes } from "../../http/index.ts"
import { renewToken, revokeToken, type TokensDeps } from "./service.ts"

/** POST /v1/auth/token/renew and /revoke: the token in the body is the credential, no header is needed. */
export function tokenRoutes(deps: TokensDeps): Routes {
  return (app) => {
    app.post(
      "/v1/auth/token/renew",
      openEndpoint(
        {
          summary: "Renew an access token",
          body: accessTokenBody,
          acceptsForms: true,
          answer: accessTokenAnswer,
        },
        ({ body, source }) => renewToken(deps, source, body.accessToken),
      ),
    )
    app.post(
      "/v1/auth/token/revoke",
      openEndpoint(
        {
          summary: "Revoke an access token",
          body: accessTokenBody,
          acceptsForms: true,
          answer: revokeTokenAnswer,
        },
        async ({ body, source }) => {
          await revokeToken(deps, source, body.accessToken)
          return { message: "Successfully revoked access token" }
        },
      ),
    )
  }
}
