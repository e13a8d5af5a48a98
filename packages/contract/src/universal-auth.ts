/** Universal auth: login, the method's configuration, client secrets (contract 2.1, 2.5). */
import { z } from "zod"
import { anyCount, id, requiredText, text, timestamp, wholeNumber } from "./fields.ts"

/** POST /v1/auth/universal-auth/login */
export const universalAuthLoginBody = z.object({
  clientId: requiredText.max(256),
  clientSecret: requiredText.max(1024),
  /** Accepted; a different organization than the identity's is refused. */
  organizationSlug: text.optional(),
})
export type UniversalAuthLoginBody = z.input<typeof universalAuthLoginBody>

/** The answer of every login and of renew. All numbers are whole seconds; 0 means no limit. */
export const accessTokenAnswer = z.object({
  accessToken: z.string(),
  expiresIn: z.int(),
  accessTokenMaxTTL: z.int(),
  tokenType: z.literal("Bearer"),
})
export type AccessTokenAnswer = z.infer<typeof accessTokenAnswer>

const tenYearsSeconds = 315_360_000
const trustedIps = z
  .array(z.object({ ipAddress: requiredText.max(64) }))
  .min(1)
  .max(100)

/** Any source address, IPv4 and IPv6: what a method without its own list accepts. */
export const anySource = [{ ipAddress: "0.0.0.0/0" }, { ipAddress: "::/0" }] as const

/** Limits of issued tokens, shared by all auth methods. */
export const accessTokenSettings = z.object({
  accessTokenTrustedIps: trustedIps.optional(),
  accessTokenTTL: wholeNumber({ min: 0, max: tenYearsSeconds }).optional(),
  accessTokenMaxTTL: wholeNumber({ min: 0, max: tenYearsSeconds }).optional(),
  accessTokenNumUsesLimit: wholeNumber(anyCount).optional(),
  accessTokenPeriod: wholeNumber({ min: 0, max: tenYearsSeconds }).optional(),
})

/** What POST fills in where the body is silent. */
export const accessTokenDefaults = {
  accessTokenTTL: 2_592_000,
  accessTokenMaxTTL: 2_592_000,
  accessTokenNumUsesLimit: 0,
  accessTokenPeriod: 0,
} as const

/** Body of POST and PATCH /v1/auth/universal-auth/identities/:identityId; PATCH leaves absent fields unchanged. */
export const universalAuthSettings = accessTokenSettings.extend({
  clientSecretTrustedIps: trustedIps.optional(),
  lockoutEnabled: z.boolean().optional(),
  lockoutThreshold: wholeNumber({ min: 1, max: 30 }).optional(),
  lockoutDurationSeconds: wholeNumber({ min: 30, max: 86_400 }).optional(),
  lockoutCounterResetSeconds: wholeNumber({ min: 5, max: 3_600 }).optional(),
})
export type UniversalAuthSettings = z.input<typeof universalAuthSettings>

export const universalAuthDefaults = {
  ...accessTokenDefaults,
  lockoutEnabled: true,
  lockoutThreshold: 3,
  lockoutDurationSeconds: 300,
  lockoutCounterResetSeconds: 30,
} as const

export const trustedIpAnswer = z.object({
  type: z.enum(["ipv4", "ipv6"]),
  prefix: z.int().optional(),
  ipAddress: z.string(),
})

export const universalAuthAnswer = z.object({
  identityUniversalAuth: z.object({
    id,
    clientId: id,
    identityId: id,
    createdAt: timestamp,
    updatedAt: timestamp,
    accessTokenTTL: z.int(),
    accessTokenMaxTTL: z.int(),
    accessTokenNumUsesLimit: z.int(),
    accessTokenPeriod: z.int(),
    accessTokenTrustedIps: z.array(trustedIpAnswer),
    clientSecretTrustedIps: z.array(trustedIpAnswer),
    lockoutEnabled: z.boolean(),
    lockoutThreshold: z.int(),
    lockoutDurationSeconds: z.int(),
    lockoutCounterResetSeconds: z.int(),
  }),
})
export type UniversalAuthAnswer = z.infer<typeof universalAuthAnswer>

/** POST .../client-secrets */
export const createClientSecretBody = z.object({
  description: text.max(1024).default(""),
  numUsesLimit: wholeNumber(anyCount).default(0),
  /** Seconds; 0 = never expires. */
  ttl: wholeNumber({ min: 0, max: tenYearsSeconds }).default(0),
})
export type CreateClientSecretBody = z.input<typeof createClientSecretBody>

export const clientSecretData = z.object({
  id,
  createdAt: timestamp,
  updatedAt: timestamp,
  description: z.string(),
  clientSecretPrefix: z.string(),
  clientSecretNumUses: z.int(),
  clientSecretNumUsesLimit: z.int(),
  clientSecretTTL: z.int(),
  identityUAId: id,
  isClientSecretRevoked: z.boolean(),
})
export type ClientSecretData = z.infer<typeof clientSecretData>

/** The only answer that ever holds the clear client secret. */
export const createClientSecretAnswer = z.object({ clientSecret: z.string(), clientSecretData })
export const clientSecretAnswer = z.object({ clientSecretData })
export const clientSecretListAnswer = z.object({ clientSecretData: z.array(clientSecretData) })
export const clearLockoutsAnswer = z.object({ deleted: z.int() })
