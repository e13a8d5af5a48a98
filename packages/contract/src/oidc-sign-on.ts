/** Single sign-on of people with the OpenID provider of their organization; Coffer's own routes. */
import { z } from "zod"
import { id, requiredText, timestamp } from "./fields.ts"
import { organizationRole } from "./people.ts"

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

export const oidcObject = z.object({
  orgId: id,
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
export const oneOidcAnswer = z.object({ oidc: oidcObject })
