/** Custom roles of projects, and privileges of single members beyond their roles (contract 4.4). */
import { z } from "zod"
import { id, queryText, requiredText, slug, text, timestamp } from "./fields.ts"
import { projectRoles, temporaryAccess } from "./memberships.ts"
import { permissionRuleObject, permissionRules } from "./permissions.ts"

/** The name of a role of a project's own. */
export const roleSlug = slug({ min: 1, max: 64 }).refine(
  (value) => !(projectRoles as readonly string[]).includes(value),
  "must not be the name of a built-in role",
)
const roleName = requiredText.max(64)
const description = text.max(1_000).nullish()

/** POST /v1/projects/:projectId/roles */
export const createRoleBody = z.object({
  slug: roleSlug,
  name: roleName,
  description,
  permissions: permissionRules,
})
export type CreateRoleBody = z.input<typeof createRoleBody>
/** PATCH /v1/projects/:projectId/roles/:roleId */
export const updateRoleBody = z.object({
  slug: roleSlug.optional(),
  name: roleName.optional(),
  description,
  permissions: permissionRules.optional(),
})

export type UpdateRoleBody = z.input<typeof updateRoleBody>

export const roleSummary = z.object({
  id,
  name: z.string(),
  slug: z.string(),
  description: z.string().nullable(),
  projectId: id,
  /** Grows with every change of the rules; built-in roles have version 1. */
  version: z.int(),
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type RoleSummary = z.infer<typeof roleSummary>
export const roleObject = roleSummary.extend({ permissions: z.array(permissionRuleObject) })
export type RoleObject = z.infer<typeof roleObject>
export const oneRoleAnswer = z.object({ role: roleObject })
export const roleListAnswer = z.object({ roles: z.array(roleSummary) })

/** For good, or for a time that ends by itself. */
export const privilegeType = z.discriminatedUnion("isTemporary", [
  z.object({ isTemporary: z.literal(false) }),
  temporaryAccess,
])
export type PrivilegeType = z.output<typeof privilegeType>

const privilegeSlug = slug({ min: 1, max: 60 })
const newPrivilege = {
  projectId: requiredText,
  slug: privilegeSlug.optional(),
  permissions: permissionRules.min(1),
  type: privilegeType.default({ isTemporary: false }),
}
/** POST /v2/identity-project-additional-privilege */
export const createIdentityPrivilegeBody = z.object({ identityId: requiredText, ...newPrivilege })
/** POST /coffer/v1/user-project-additional-privilege */
export const createUserPrivilegeBody = z.object({ userId: requiredText, ...newPrivilege })
/** PATCH of either. */
export const updatePrivilegeBody = z.object({
  slug: privilegeSlug.optional(),
  permissions: permissionRules.min(1).optional(),
  type: privilegeType.optional(),
})

export const identityPrivilegesQuery = z.object({ identityId: requiredText, projectId: requiredText })
export const userPrivilegesQuery = z.object({ userId: requiredText, projectId: requiredText })
const inProject = { projectSlug: queryText, projectId: queryText }
export const identityPrivilegeBySlugQuery = z.object({ identityId: requiredText, ...inProject })
export const userPrivilegeBySlugQuery = z.object({ userId: requiredText, ...inProject })

export const privilegeObject = z.object({
  id,
  slug: z.string(),
  /** Of an identity's privilege. */
  identityId: id.optional(),
  /** Of a user's privilege. */
  userId: id.optional(),
  projectId: id,
  projectMembershipId: id,
  isTemporary: z.boolean(),
  temporaryMode: z.string().nullable(),
  temporaryRange: z.string().nullable(),
  temporaryAccessStartTime: timestamp.nullable(),
  temporaryAccessEndTime: timestamp.nullable(),
  permissions: z.array(permissionRuleObject),
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type PrivilegeObject = z.infer<typeof privilegeObject>
export const onePrivilegeAnswer = z.object({ privilege: privilegeObject })
export const privilegeListAnswer = z.object({ privileges: z.array(privilegeObject) })
