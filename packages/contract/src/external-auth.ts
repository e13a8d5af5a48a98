/** Logins with a token that somebody else issued: Kubernetes, JWT and OIDC auth (contract 2.7, 2.8, 2.9). */
import { z } from "zod"
import { id, requiredText, text, timestamp } from "./fields.ts"
import { accessTokenSettings, trustedIpAnswer } from "./universal-auth.ts"

/** POST /v1/auth/{kubernetes,jwt,oidc}-auth/login */
export const externalLoginBody = z.object({
  identityId: requiredText.max(64),
  jwt: requiredText.max(16_384),
  /** Accepted; a different organization than the identity's is refused. */
  organizationSlug: text.max(64).optional(),
})
export type ExternalLoginBody = z.input<typeof externalLoginBody>

const pem = text.max(64 * 1024)
const list = text.max(4_096)
const urlRule = "must be an absolute http or https URL without user name and password"
const httpUrl = requiredText.max(2_048).refine(isHttpUrl, urlRule)
const optionalHttpUrl = text.max(2_048).refine((value) => value === "" || isHttpUrl(value), urlRule)

function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, username, password } = new URL(value)
  return /^https?:$/.test(protocol) && username === "" && password === ""
}

function isPlainUrl(value: string): boolean {
  return isHttpUrl(value) && !/[?#@]/.test(value)
}

/** Body of POST and PATCH .../kubernetes-auth/identities/:identityId; PATCH leaves absent fields unchanged. */
export const kubernetesAuthSettings = accessTokenSettings.extend({
  kubernetesHost: httpUrl.refine(isPlainUrl, "must have no user name, query or fragment").optional(),
  caCert: pem.optional(),
  /** Token of a service account that may review tokens; empty or null: the token that logs in reviews itself. */
  tokenReviewerJwt: text.max(16_384).nullable().optional(),
  tokenReviewMode: z.literal("api", { error: "must be 'api': gateways are not supported" }).optional(),
  gatewayId: z.literal("", { error: "must be empty: gateways are not supported" }).nullish(),
  allowedNamespaces: list.optional(),
  allowedNames: list.optional(),
  allowedAudience: text.max(1_024).optional(),
})
export type KubernetesAuthSettings = z.output<typeof kubernetesAuthSettings>

const boundClaims = z.record(requiredText.max(256), list)
const bound = {
  boundIssuer: text.max(2_048).optional(),
  boundAudiences: list.optional(),
  boundClaims: boundClaims.optional(),
  boundSubject: text.max(2_048).optional(),
}

/** Body of POST and PATCH .../jwt-auth/identities/:identityId. */
export const jwtAuthSettings = accessTokenSettings.extend({
  configurationType: z.enum(["jwks", "static"]).optional(),
  jwksUrl: optionalHttpUrl.optional(),
  jwksCaCert: pem.optional(),
  publicKeys: z.array(pem).max(20).optional(),
  ...bound,
})
export type JwtAuthSettings = z.output<typeof jwtAuthSettings>

/** Body of POST and PATCH .../oidc-auth/identities/:identityId. */
export const oidcAuthSettings = accessTokenSettings.extend({
  oidcDiscoveryUrl: httpUrl.optional(),
  caCert: pem.optional(),
  claimMetadataMapping: z.record(requiredText.max(256), text.max(256)).optional(),
  ...bound,
})
export type OidcAuthSettings = z.output<typeof oidcAuthSettings>

const common = {
  id,
  identityId: id,
  createdAt: timestamp,
  updatedAt: timestamp,
  accessTokenTTL: z.int(),
  accessTokenMaxTTL: z.int(),
  accessTokenNumUsesLimit: z.int(),
  accessTokenPeriod: z.int(),
  accessTokenTrustedIps: z.array(trustedIpAnswer),
}
const boundAnswer = {
  boundIssuer: z.string(),
  boundAudiences: z.string(),
  boundClaims: z.record(z.string(), z.string()),
  boundSubject: z.string(),
}

export const kubernetesAuthAnswer = z.object({
  identityKubernetesAuth: z.object({
    ...common,
    kubernetesHost: z.string(),
    caCert: z.string(),
    /** `""` always: the token is kept sealed and never shown again. */
    tokenReviewerJwt: z.literal(""),
    hasTokenReviewerJwt: z.boolean(),
    tokenReviewMode: z.literal("api"),
    allowedNamespaces: z.string(),
    allowedNames: z.string(),
    allowedAudience: z.string(),
    gatewayId: z.null(),
  }),
})
export const jwtAuthAnswer = z.object({
  identityJwtAuth: z.object({
    ...common,
    configurationType: z.enum(["jwks", "static"]),
    jwksUrl: z.string(),
    jwksCaCert: z.string(),
    publicKeys: z.array(z.string()),
    ...boundAnswer,
  }),
})
export const oidcAuthAnswer = z.object({
  identityOidcAuth: z.object({
    ...common,
    oidcDiscoveryUrl: z.string(),
    caCert: z.string(),
    claimMetadataMapping: z.record(z.string(), z.string()),
    ...boundAnswer,
  }),
})
