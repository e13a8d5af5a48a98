import {
  createTokenAnswer,
  createTokenBody,
  oneTokenAnswer,
  revokeTokenAnswer,
  type TokenAuthAnswer,
  tokenAuthAnswer,
  tokenAuthSettings,
  tokenListAnswer,
  tokenListQuery,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import type { TokenFamily } from "../tokens/index.ts"
import {
  attach,
  change,
  createToken,
  detach,
  get,
  listTokens,
  nameToken,
  revokeTokenById,
  type TokenAuth,
  type TokenAuthDeps,
} from "./service.ts"

const one = "/v1/auth/token-auth/identities/:identityId"
type Params = Readonly<Record<string, string>>
const identityIdOf = (params: Params) => params["identityId"] ?? ""

/** Tokens made ahead, without a login (contract 2.6). */
export function tokenAuthRoutes(deps: TokenAuthDeps, ports: HttpPorts): Routes {
  return (app) => {
    methodRoutes(app, deps, ports)
    madeTokenRoutes(app, deps, ports)
  }
}

function methodRoutes(app: FastifyInstance, deps: TokenAuthDeps, ports: HttpPorts): void {
  const settings = { body: tokenAuthSettings.default({}) }
  app.post(
    one,
    endpoint(
      ports,
      { summary: "Attach token auth to an identity", ...settings, answer: tokenAuthAnswer },
      async ({ session, params, body }) =>
        presentMethod(await attach(deps, session, identityIdOf(params), body)),
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      { summary: "Change the token auth of an identity", ...settings, answer: tokenAuthAnswer },
      async ({ session, params, body }) =>
        presentMethod(await change(deps, session, identityIdOf(params), body)),
    ),
  )
  app.get(
    one,
    endpoint(
      ports,
      { summary: "The token auth of an identity", answer: tokenAuthAnswer },
      async ({ session, params }) => presentMethod(await get(deps, session, identityIdOf(params))),
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: "Detach token auth from an identity", answer: tokenAuthAnswer },
      async ({ session, params }) => presentMethod(await detach(deps, session, identityIdOf(params))),
    ),
  )
}

function madeTokenRoutes(app: FastifyInstance, deps: TokenAuthDeps, ports: HttpPorts): void {
  app.post(
    `${one}/tokens`,
    endpoint(
      ports,
      {
        summary: "Create an access token without a login",
        body: createTokenBody.default({}),
        answer: createTokenAnswer,
      },
      async ({ session, params, body }) => {
        const made = await createToken(deps, session, { identityId: identityIdOf(params), name: body.name })
        return { ...made.answer, tokenData: presentToken(made.family) }
      },
    ),
  )
  app.get(
    `${one}/tokens`,
    endpoint(
      ports,
      { summary: "List the tokens of an identity", query: tokenListQuery, answer: tokenListAnswer },
      async ({ session, params, query }) => {
        const page = { offset: query.offset ?? 0, limit: query.limit ?? 20 }
        const tokens = await listTokens(deps, session, { identityId: identityIdOf(params), ...page })
        return { tokens: tokens.map(presentToken) }
      },
    ),
  )
  app.patch(
    "/v1/auth/token-auth/tokens/:tokenId",
    endpoint(
      ports,
      { summary: "Name a token", body: createTokenBody, answer: oneTokenAnswer },
      async ({ session, params, body }) => {
        const input = { tokenId: params["tokenId"] ?? "", name: body.name ?? "" }
        return { token: presentToken(await nameToken(deps, session, input)) }
      },
    ),
  )
  app.post(
    "/v1/auth/token-auth/tokens/:tokenId/revoke",
    endpoint(ports, { summary: "Revoke a token", answer: revokeTokenAnswer }, async ({ session, params }) => {
      await revokeTokenById(deps, session, params["tokenId"] ?? "")
      return { message: "Successfully revoked access token" }
    }),
  )
}

function presentMethod(method: TokenAuth): TokenAuthAnswer {
  return {
    identityTokenAuth: {
      id: method.id,
      identityId: method.identityId,
      createdAt: isoTime(method.createdAt),
      updatedAt: isoTime(method.updatedAt),
      accessTokenTTL: method.accessTokenTTL,
      accessTokenMaxTTL: method.accessTokenMaxTTL,
      accessTokenNumUsesLimit: method.accessTokenNumUsesLimit,
      accessTokenTrustedIps: [...method.accessTokenTrustedIps],
    },
  }
}

function presentToken(family: TokenFamily) {
  return {
    id: family.id,
    name: family.name,
    identityId: family.identityId,
    isAccessTokenRevoked: family.isRevoked,
    createdAt: isoTime(family.createdAt),
    updatedAt: isoTime(family.updatedAt),
  }
}
