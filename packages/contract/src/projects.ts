/**
 * Projects, called "workspace" in older paths (contract 1.2, 1.9). The same object travels in four wrappings:
 * bare, `project`, `workspace` and the lists (gotcha 5).
 */
import { z } from "zod"
import { id, queryBoolean, queryText, requiredText, slug, text, timestamp } from "./fields.ts"

/** Text that can only say what is the case anyway: whoever wants something else is told, and gets nothing by mistake. */
function only(value: string, because: string) {
  return text
    .refine((given) => given === "" || given === value, `must be '${value}': ${because}`)
    .default(value)
}

/** POST /v1/projects and /v2/workspace */
export const createProjectBody = z.object({
  projectName: requiredText.max(255),
  projectDescription: text.max(1024).nullish(),
  slug: slug({ min: 5, max: 36 }).optional(),
  kmsKeyId: text
    .refine((given) => given === "", "cannot be chosen: every project has a key of its own")
    .optional(),
  template: only("default", "there are no project templates"),
  type: only("secret-manager", "there are no projects of other types"),
  shouldCreateDefaultEnvs: z.boolean().default(true),
  hasDeleteProtection: z.boolean().default(false),
})
export type CreateProjectBody = z.input<typeof createProjectBody>

const updatedSlug = requiredText
  .min(1)
  .max(64)
  .regex(
    /^[a-z0-9]+(?:[-_][a-z0-9]+)*$/,
    "must be lower-case letters and digits separated by single '-' or '_'",
  )

/** PATCH /v1/projects/:id */
export const updateProjectBody = z.object({
  name: requiredText.max(255).optional(),
  description: text.max(1024).nullish(),
  autoCapitalization: z.boolean().optional(),
  hasDeleteProtection: z.boolean().optional(),
  slug: updatedSlug.optional(),
  pitVersionLimit: z.int().min(1).max(100).optional(),
})

export type UpdateProjectBody = z.input<typeof updateProjectBody>

/** PATCH /v2/workspace/:slug */
export const updateWorkspaceBody = updateProjectBody.pick({
  name: true,
  description: true,
  autoCapitalization: true,
  hasDeleteProtection: true,
})

/** GET /v1/projects. Of every type but `secret-manager` and `all` there are none. */
export const listProjectsQuery = z.object({ includeRoles: queryBoolean(false), type: queryText })

/** Bare in GET /v1/projects/slug/:slug, /v1/workspace/slug/:slug and /v2/workspace/:slug. */
export const projectAnswer = z.object({
  id,
  _id: id,
  name: z.string(),
  slug: z.string(),
  type: z.literal("secret-manager"),
  description: z.string().nullable(),
  orgId: id,
  autoCapitalization: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version: z.int(),
  upgradeStatus: z.null(),
  pitVersionLimit: z.int(),
  kmsCertificateKeyId: z.null(),
  auditLogsRetentionDays: z.int().nullable(),
  hasDeleteProtection: z.boolean(),
  secretSharing: z.boolean(),
  showSnapshotsLegacy: z.boolean(),
  secretDetectionIgnoreValues: z.null(),
  defaultProduct: z.null(),
  enforceEncryptedSecretManagerSecretMetadata: z.null(),
  environments: z.array(z.object({ id, name: z.string(), slug: z.string() })),
  /** Only with `includeRoles=true`: the caller's roles in the project. */
  roles: z.array(z.object({ slug: z.string() })).optional(),
})
export type ProjectAnswer = z.infer<typeof projectAnswer>

/** POST /v1/projects, POST /v2/workspace, GET, PATCH and DELETE /v1/projects/:id */
export const wrappedProjectAnswer = z.object({ project: projectAnswer })
/** GET /v1/workspace/:id */
export const wrappedWorkspaceAnswer = z.object({ workspace: projectAnswer })
/** GET /v1/projects */
export const projectListAnswer = z.object({ projects: z.array(projectAnswer) })
/** GET /v1/workspace */
export const workspaceListAnswer = z.object({ workspaces: z.array(projectAnswer) })
