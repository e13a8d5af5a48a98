/** Groups of people, and what they may do in projects. Paths and shapes are Infisical's. */
import { z } from "zod"
import { id, queryInteger, queryText, requiredText, slug, text, timestamp } from "./fields.ts"
import { membershipRoleObject, roleAssignment } from "./memberships.ts"

const groupName = requiredText.max(100)
const groupSlug = slug({ min: 1, max: 64 })
/** A group gives no right in the organization itself: people have those of their own. */
const organizationRole = z.literal("no-access", {
  error: "must be 'no-access': groups hold roles in projects only",
})

/** POST /v1/groups */
export const createGroupBody = z.object({
  name: groupName,
  /** Made of the name when it is absent or empty. */
  slug: z.union([groupSlug, z.literal("")]).optional(),
  role: organizationRole.default("no-access"),
  organizationId: text.optional(),
})
export type CreateGroupBody = z.input<typeof createGroupBody>
/** PATCH /v1/groups/:groupId */
export const updateGroupBody = z.object({
  name: groupName.optional(),
  slug: groupSlug.optional(),
  role: organizationRole.optional(),
})

export const groupObject = z.object({
  id,
  orgId: id,
  name: z.string(),
  slug: z.string(),
  role: z.literal("no-access"),
  roleId: id.nullable(),
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type GroupObject = z.infer<typeof groupObject>
export const listGroupsQuery = z.object({
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 1_000 }),
})
/** GET /v1/groups: a bare array, by name. */
export const groupListAnswer = z.array(groupObject)

export const groupUsersQuery = z.object({
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 100 }),
  username: queryText,
  search: queryText,
  filter: z
    .enum(["existingMembers", "nonMembers", ""])
    .optional()
    .transform((value) => (value === "" ? undefined : value)),
})
/** A person of the organization, as seen from a group. */
export const groupUserObject = z.object({
  id,
  email: z.string(),
  username: z.string(),
  firstName: z.string(),
  lastName: z.string(),
  isPartOfGroup: z.boolean(),
  joinedGroupAt: timestamp.nullable(),
})
export type GroupUserObject = z.infer<typeof groupUserObject>
export const groupUsersAnswer = z.object({ users: z.array(groupUserObject), totalCount: z.int() })
/** POST and DELETE /v1/groups/:groupId/users/:username */
export const changedGroupUserAnswer = groupUserObject.omit({ isPartOfGroup: true, joinedGroupAt: true })

/** POST for a group in a project. Without `role` and `roles` it gets `no-access`. */
export const addProjectGroupBody = z
  .object({
    role: requiredText.optional(),
    roles: z.array(roleAssignment).min(1).max(20).optional(),
  })
  .default({})
/** PATCH for a group in a project. */
export const updateProjectGroupBody = z.object({ roles: z.array(roleAssignment).min(1).max(20) })

export const projectGroupObject = z.object({
  id,
  groupId: id,
  projectId: id,
  createdAt: timestamp,
  updatedAt: timestamp,
})
export const projectGroupDetails = projectGroupObject.extend({
  roles: z.array(membershipRoleObject),
  group: z.object({ id, name: z.string(), slug: z.string() }),
})
export type ProjectGroupDetails = z.infer<typeof projectGroupDetails>
export const projectGroupAnswer = z.object({ groupMembership: projectGroupObject })
export const projectGroupRolesAnswer = z.object({ roles: z.array(membershipRoleObject) })
export const projectGroupDetailsAnswer = z.object({ groupMembership: projectGroupDetails })
export const projectGroupListAnswer = z.object({
  groupMemberships: z.array(projectGroupDetails),
  totalCount: z.int(),
})
