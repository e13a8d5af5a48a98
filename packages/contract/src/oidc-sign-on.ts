/** Single sign-on of people with the OpenID provider of their organization; Coffer's own routes. */
import { z } from "zod"
import { id, requiredText, timestamp } from "./fields.ts"
import { organizationRole, selectOrganizationAnswer } from "./people.ts"

const issuer = z
  .url({ protocol: /^https?$/, error: "must be an absolute http or https URL" })
  .max(500)
  .refine((text) => !/[?#]/.test(text), "must have no query and no fragment")
const emailDomain = requiredText
  .max(253)
  .toLowerCase()
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, "must be a domain such as example.com")

/** POST /coffer/v1/organization/oidc: all settings at once. */
export const setOidcBody = z
  .object({
    issuer,
    clientId: requiredText.max(500),
    /** Without it the one that was set before stays; it is never shown. */
    clientSecret: z.string().min(1).max(2_000).optional(),
    /** Addresses of other domains are refused; empty: any address. */
    allowedEmailDomains: z.array(emailDomain).max(50).default([]),
    /** Of people who come for the first time; null: they must be invited. */
    defaultRole: organizationRole.nullable().default(null),
    isActive: z.boolean().default(true),
  })
  .refine((body) => body.defaultRole === null || body.allowedEmailDomains.length > 0, {
    path: ["allowedEmailDomains"],
    error: "must name a domain when defaultRole lets in whom nobody invited",
  })
export type OidcSettings = z.output<typeof setOidcBody>
export type SetOidcBody = z.input<typeof setOidcBody>

export const oidcObject = z.object({
  orgId: id,
  /** Names the organization in addresses and to `coffer login`. */
  organizationSlug: z.string(),
  issuer: z.string(),
  clientId: z.string(),
  allowedEmailDomains: z.array(z.string()),
  defaultRole: z.string().nullable(),
  isActive: z.boolean(),
  /** Where people begin, and what the provider must be told; null while the server does not know its own address. */
  loginUrl: z.string().nullable(),
  redirectUrl: z.string().nullable(),
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type OidcObject = z.infer<typeof oidcObject>
/** POST /coffer/v1/organization/oidc/test: as much as shows without a person; `problem` says what to mend. */
export const oidcTestAnswer = z.object({
  test: z.object({ isUsable: z.boolean(), problem: z.string().nullable() }),
})
export const oneOidcAnswer = z.object({ oidc: oidcObject })

/** GET /coffer/v1/sso/oidc/:organizationSlug, for commands: needs no token. */
export const signOnAddressAnswer = z.object({ commandLoginUrl: z.string() })

/** Base64url of 32 random bytes. */
const unguessable = z.string().regex(/^[\w-]{43}$/, "must be 43 characters of base64url")

/**
 * GET /coffer/v1/sso/oidc/:organizationSlug/command-login, opened in a browser by a command that listens at `port` of
 * 127.0.0.1. Its page leads back there with a one-time code and the `state`.
 */
export const commandLoginQuery = z.object({
  port: z
    .string()
    .regex(/^[1-9]\d{3,4}$/, "must be a port from 1024 to 65535")
    .transform(Number)
    .refine((port) => port >= 1_024 && port <= 65_535, "must be a port from 1024 to 65535"),
  /** Comes back unchanged: the command knows its own login by it. */
  state: unguessable,
  /** SHA-256 of the command's verifier, in hex. */
  challenge: z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in lower-case hex"),
})
export type CommandLogin = z.output<typeof commandLoginQuery>

/** POST /coffer/v1/sso/oidc/command-token: the code that the browser brought, and what its challenge was made from. */
export const commandTokenBody = z.object({ code: requiredText.max(4_096), verifier: unguessable })
export type CommandTokenBody = z.input<typeof commandTokenBody>
/** With `isMfaEnabled` the token opens nothing until a code was sent to POST /v2/auth/mfa/verify with it. */
export const commandTokenAnswer = selectOrganizationAnswer.extend({ organizationId: id })
export type CommandTokenAnswer = z.infer<typeof commandTokenAnswer>
