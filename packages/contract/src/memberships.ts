/** Who belongs to a project, and with which roles (contract 1.12, 2.12, 4.2). */
import { z } from "zod"
import { id, queryInteger, queryText, requiredText, text, timestamp } from "./fields.ts"

/** The roles every project has. */
export const projectRoles = ["admin", "member", "viewer", "no-access"] as const
export type ProjectRole = (typeof projectRoles)[number]

/** For `temporaryRange` (such as `2h`) from `temporaryAccessStartTime` on. */
export const temporaryAccess = z.object({
  isTemporary: z.literal(true),
  temporaryMode: z.literal("relative"),
  temporaryRange: requiredText.regex(
    /^\d{1,6}\s*(s|m|h|d|w|y)$/,
    "must be a number and a unit, such as '2h'",
  ),
  temporaryAccessStartTime: z.iso.datetime({ offset: true }),
})

/** A role for good or for a time. */
export const roleAssignment = z.union([
  temporaryAccess.extend({ role: requiredText }),
  z.object({ role: requiredText, isTemporary: z.literal(false).default(false) }),
])
export type RoleAssignment = z.output<typeof roleAssignment>

/** POST for an identity, both families. Without `role` and `roles` the identity gets `no-access` (gotcha 44). */
export const createIdentityMembershipBody = z
  .object({
    role: requiredText.optional(),
    roles: z.array(roleAssignment).min(1).max(20).optional(),
  })
  .default({})
/** PATCH for an identity or a person. */
export const updateMembershipBody = z.object({ roles: z.array(roleAssignment).min(1).max(20) })

export const listMembershipsQuery = z.object({
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 100 }),
  search: queryText,
  identityName: queryText,
  orderBy: z.enum(["name", ""], { error: "must be 'name'" }).optional(),
  orderDirection: z.enum(["asc", "desc", ""], { error: "must be 'asc' or 'desc'" }).optional(),
})

export const membershipRoleObject = z.object({
  id,
  /** A built-in role, or `custom`; the custom role is then named by the fields below. */
  role: z.string(),
  customRoleId: id.nullable(),
  customRoleName: z.string().optional(),
  customRoleSlug: z.string().optional(),
  isTemporary: z.boolean(),
  temporaryMode: z.string().nullable(),
  temporaryRange: z.string().nullable(),
  temporaryAccessStartTime: timestamp.nullable(),
  temporaryAccessEndTime: timestamp.nullable(),
  projectMembershipId: id,
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type MembershipRoleObject = z.infer<typeof membershipRoleObject>

export const membershipObject = z.object({
  id,
  projectId: id,
  identityId: id,
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type MembershipObject = z.infer<typeof membershipObject>
export const membershipDetails = membershipObject.extend({
  roles: z.array(membershipRoleObject),
  identity: z.object({ id, name: z.string(), authMethods: z.array(z.string()) }),
  project: z.object({ id, name: z.string() }),
})
export type MembershipDetails = z.infer<typeof membershipDetails>

export const identityMembershipCreatedAnswer = z.object({ identityMembership: membershipObject })
export const identityMembershipRolesAnswer = z.object({ roles: z.array(membershipRoleObject) })
export const identityMembershipDetailsAnswer = z.object({ identityMembership: membershipDetails })
export const identityMembershipListAnswer = z.object({
  identityMemberships: z.array(membershipDetails),
  totalCount: z.int(),
})
/** GET /v1/identities/:identityId/identity-memberships */
export const membershipsOfIdentityAnswer = z.object({ identityMemberships: z.array(membershipDetails) })

/** POST /v2/workspace/:projectId/memberships and /v1/projects/:projectId/memberships */
export const addMembersBody = z.object({
  emails: z.array(text).max(100).default([]),
  usernames: z.array(text).max(100).default([]),
  roleSlugs: z.array(requiredText).min(1).max(20).default(["member"]),
})
export const addMembersAnswer = z.object({
  memberships: z.array(
    z.object({ id, userId: id, projectId: id, createdAt: timestamp, updatedAt: timestamp }),
  ),
})

/** GET /v1/projects/:projectId/memberships: the people of a project. */
export const listMembersQuery = z.object({
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 1_000 }),
})
const memberObject = addMembersAnswer.shape.memberships.element
export const memberDetails = memberObject.extend({
  user: z.object({
    id,
    email: z.string(),
    username: z.string(),
    firstName: z.string(),
    lastName: z.string(),
  }),
  project: z.object({ id, name: z.string() }),
  roles: z.array(membershipRoleObject),
})
export type MemberDetails = z.infer<typeof memberDetails>
export const memberListAnswer = z.object({ memberships: z.array(memberDetails), totalCount: z.int() })
export const memberAnswer = z.object({ membership: memberDetails })
export const memberRolesAnswer = z.object({ roles: z.array(membershipRoleObject) })
/** DELETE /v1/projects/:projectId/memberships/:membershipId */
export const memberRemovedAnswer = z.object({ membership: memberObject })

/** GET /v1/organization-admin/projects: every project of the organization. */
export const organizationProjectsQuery = z.object({
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 1_000 }),
  search: queryText,
})
export const organizationProjectsAnswer = z.object({
  projects: z.array(z.object({ id, name: z.string(), slug: z.string(), orgId: id, createdAt: timestamp })),
  count: z.int(),
})
/** POST /v1/organization-admin/projects/:projectId/grant-admin-access */
export const adminAccessAnswer = z.object({
  membership: z.object({
    id,
    projectId: id,
    /** One of the two: who asked. */
    userId: id.nullable(),
    identityId: id.nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  }),
})
