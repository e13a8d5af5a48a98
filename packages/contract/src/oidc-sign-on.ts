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

/** POST /coffer/v1/sso/oidc/command-token. With `isMfaEnabled` the token opens nothing until a code was sent to POST /v2/auth/mfa/verify with it. */
export const commandTokenAnswer = selectOrganizationAnswer.extend({ organizationId: id })
export type CommandTokenAnswer = z.infer<typeof commandTokenAnswer>
