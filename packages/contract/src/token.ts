/** Access tokens: renew, revoke, the claims inside, and pre-made tokens (contract 2.2, 2.3, 2.4, 2.6). */
import { z } from "zod"
import { id, queryInteger, requiredText, text, timestamp } from "./fields.ts"
import { accessTokenAnswer, accessTokenSettings, trustedIpAnswer } from "./universal-auth.ts"

/** Body of POST /v1/auth/token/renew and /v1/auth/token/revoke; no auth header is needed. */
export const accessTokenBody = z.object({ accessToken: requiredText.max(16_384) })
export const revokeTokenAnswer = z.object({ message: z.literal("Successfully revoked access token") })

/** What an access token says about itself. Clients decode it without verifying (contract 2.2). */
export const accessTokenClaims = z.object({
  identityId: id,
  identityName: z.string(),
  authMethod: z.string(),
  orgId: id,
  clientSecretId: z.string(),
  identityAccessTokenId: id,
  authTokenType: z.literal("identityAccessToken"),
  jti: id,
  iat: z.int(),
  exp: z.int().optional(),
})
export type AccessTokenClaims = z.infer<typeof accessTokenClaims>

/** Body of POST and PATCH /v1/auth/token-auth/identities/:identityId. */
export const tokenAuthSettings = accessTokenSettings
export const tokenAuthAnswer = z.object({
  identityTokenAuth: z.object({
    id,
    identityId: id,
    createdAt: timestamp,
    updatedAt: timestamp,
    accessTokenTTL: z.int(),
    accessTokenMaxTTL: z.int(),
    accessTokenNumUsesLimit: z.int(),
    accessTokenTrustedIps: z.array(trustedIpAnswer),
  }),
})
export type TokenAuthAnswer = z.infer<typeof tokenAuthAnswer>

/** POST .../identities/:identityId/tokens, PATCH /v1/auth/token-auth/tokens/:tokenId */
export const createTokenBody = z.object({ name: text.max(255).optional() })
export const tokenData = z.object({
  id,
  name: z.string().nullable(),
  identityId: id,
  isAccessTokenRevoked: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
})
export const createTokenAnswer = accessTokenAnswer.extend({ tokenData })
export const tokenListQuery = z.object({
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 100 }),
})
export const tokenListAnswer = z.object({ tokens: z.array(tokenData) })
export const oneTokenAnswer = z.object({ token: tokenData })
