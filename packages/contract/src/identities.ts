/** Machine identities of an organization (contract 2.11). */
import { z } from "zod"
import { id, queryInteger, queryText, requiredText, text, timestamp } from "./fields.ts"

const metadataPairs = z.array(z.object({ key: requiredText.max(255), value: text.max(1020) })).max(100)
export const organizationRoles = ["admin", "member", "no-access"] as const

/** POST /v1/identities. The organization is the token's; another one in the body is refused. */
export const createIdentityBody = z.object({
  name: requiredText.max(255),
  organizationId: requiredText,
  role: requiredText.default("no-access"),
  hasDeleteProtection: z.boolean().default(false),
  metadata: metadataPairs.optional(),
})
export type CreateIdentityBody = z.input<typeof createIdentityBody>

/** PATCH /v1/identities/:identityId */
export const updateIdentityBody = z.object({
  name: requiredText.max(255).optional(),
  role: requiredText.optional(),
  hasDeleteProtection: z.boolean().optional(),
  metadata: metadataPairs.optional(),
})

/** GET /v1/identities */
export const listIdentitiesQuery = z.object({
  orgId: queryText,
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 1_000 }),
})

const nameFilter = z.object({
  $contains: text.optional(),
  $eq: text.optional(),
  $in: z.array(text).max(100).optional(),
})

/** POST /v1/identities/search */
export const searchIdentitiesBody = z.object({
  search: z
    .object({ name: z.union([text, nameFilter]).optional(), role: z.union([text, nameFilter]).optional() })
    .default({}),
  limit: z.int().min(1).max(100).default(50),
  offset: z.int().min(0).max(1_000_000).default(0),
  orderBy: z.enum(["name", "role"]).default("name"),
  orderDirection: z.enum(["asc", "desc"]).default("asc"),
})

export const identityObject = z.object({
  id,
  name: z.string(),
  orgId: id,
  projectId: z.null(),
  authMethod: z.string().nullable(),
  authMethods: z.array(z.string()),
  hasDeleteProtection: z.boolean(),
  metadata: z.array(z.object({ key: z.string(), value: z.string() })),
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type IdentityObject = z.infer<typeof identityObject>
export const identityAnswer = z.object({ identity: identityObject })

/** An identity's membership in its organization. */
export const identityMembershipObject = z.object({
  id,
  role: z.string(),
  orgId: id,
  identityId: id,
  createdAt: timestamp,
  updatedAt: timestamp,
  metadata: z.array(z.object({ key: z.string(), value: z.string() })),
  identity: z.object({
    id,
    name: z.string(),
    authMethods: z.array(z.string()),
    hasDeleteProtection: z.boolean(),
  }),
})
export type IdentityMembershipObject = z.infer<typeof identityMembershipObject>
export const identityMembershipAnswer = z.object({ identity: identityMembershipObject })
export const identityListAnswer = z.object({
  identities: z.array(identityMembershipObject),
  totalCount: z.int(),
})

/** GET /v1/identities/details */
export const identityDetailsAnswer = z.object({
  identityDetails: z.object({ organization: z.object({ id, name: z.string(), slug: z.string() }) }),
})

const identityLogin = z.object({
  method: z.enum(["universal-auth", "token-auth", "kubernetes-auth", "jwt-auth", "oidc-auth"]),
  createdAt: timestamp,
  updatedAt: timestamp,
  /**
   * Who set it up, changed it, or made a client secret or a token for it, the latest first. Empty where that was the first
   * run of the server, or before it was kept.
   */
  authors: z.array(
    z.object({ type: z.enum(["user", "identity"]), id, name: z.string(), actedAt: timestamp }),
  ),
})

/** GET /coffer/v1/identities/:identityId/logins */
export const identityLoginsAnswer = z.object({ logins: z.array(identityLogin) })
export type IdentityLoginsAnswer = z.infer<typeof identityLoginsAnswer>
export type IdentityLogin = z.infer<typeof identityLogin>
