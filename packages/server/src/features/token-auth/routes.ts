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
import { addMethodRoutes, presentLimits } from "../auth-methods/index.ts"
import type { TokenFamily } from "../tokens/index.ts"
import {
  createToken,
  listTokens,
  nameToken,
  revokeTokenById,
  type TokenAuth,
  type TokenAuthDeps,
  tokenAuth,
} from "./service.ts"

const one = "/v1/auth/token-auth/identities/:identityId"
type Params = Readonly<Record<string, string>>
const identityIdOf = (params: Params) => params["identityId"] ?? ""

/** Tokens made ahead, without a login (contract 2.6). */
export function tokenAuthRoutes(deps: TokenAuthDeps, ports: HttpPorts): Routes {
  return (app) => {
    addMethodRoutes(app, deps, ports, {
      method: tokenAuth,
      settings: tokenAuthSettings.default({}),
      answer: tokenAuthAnswer,
      present: presentMethod,
    })
    madeTokenRoutes(app, deps, ports)
  }
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
  const { accessTokenPeriod: _, ...shown } = presentLimits(method)
  return { identityTokenAuth: shown }
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
