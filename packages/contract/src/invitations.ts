/** Invitations of people into an organization; Coffer's own routes. */
import { z } from "zod"
import { emailAddress, id, password, queryInteger, requiredText, text, timestamp } from "./fields.ts"
import { organizationRole } from "./people.ts"

/** POST /coffer/v1/invitations */
export const createInvitationBody = z.object({
  email: emailAddress,
  /** In the organization. */
  role: organizationRole.default("member"),
  projects: z
    .array(z.object({ projectId: requiredText.max(64), role: requiredText.max(64) }))
    .max(50)
    .default([]),
})
export type CreateInvitationBody = z.input<typeof createInvitationBody>

export const invitationObject = z.object({
  id,
  email: z.string(),
  role: z.string(),
  projects: z.array(z.object({ projectId: id, role: z.string() })),
  /** Who sent it: the id of a user or an identity. */
  invitedBy: id,
  createdAt: timestamp,
  expiresAt: timestamp,
  isExpired: z.boolean(),
})
export type InvitationObject = z.infer<typeof invitationObject>

/** Of a new invitation, and of one that is sent again. The token is shown this once. */
export const sentInvitationAnswer = z.object({
  invitation: invitationObject,
  token: z.string(),
  /** Where a browser accepts it; null while the server does not know its own address (SITE_URL). */
  link: z.string().nullable(),
  /** False: hand the token over yourself. */
  isMailed: z.boolean(),
})
export type SentInvitationAnswer = z.infer<typeof sentInvitationAnswer>

export const listInvitationsQuery = z.object({
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 1_000 }),
})
export const invitationListAnswer = z.object({
  invitations: z.array(invitationObject),
  totalCount: z.int(),
})
export const oneInvitationAnswer = z.object({ invitation: invitationObject })

const token = requiredText.max(256)

/** POST /coffer/v1/invitations/look-up, by whoever got the token. */
export const lookUpInvitationBody = z.object({ token })
export const lookUpInvitationAnswer = z.object({
  email: z.string(),
  organization: z.object({ name: z.string(), slug: z.string() }),
  role: z.string(),
  expiresAt: timestamp,
  /** True when the address has an account: its password is asked for then, else one is chosen. */
  hasAccount: z.boolean(),
})
export type LookUpInvitationAnswer = z.infer<typeof lookUpInvitationAnswer>

/** POST /coffer/v1/invitations/accept */
export const acceptInvitationBody = z.object({
  token,
  /**
   * Of a new account, the password it gets, at least 10 characters; of an account that there is, the one it has. Without it the request must
   * carry the access token of the invited person.
   */
  password: password.optional(),
  firstName: text.max(100).default(""),
  lastName: text.max(100).default(""),
})
export type AcceptInvitationBody = z.input<typeof acceptInvitationBody>
export const acceptInvitationAnswer = z.object({
  user: z.object({ id, email: z.string() }),
  organization: z.object({ id, name: z.string(), slug: z.string() }),
  isNewAccount: z.boolean(),
})
export type AcceptInvitationAnswer = z.infer<typeof acceptInvitationAnswer>
