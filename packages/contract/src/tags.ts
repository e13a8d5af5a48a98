/** Tags of a project (contract 1.11), and what puts them on secrets or takes them off (contract 1.6). */
import { z } from "zod"
import { folderPathOrRoot, id, requiredText, slug, text, timestamp } from "./fields.ts"

const tagSlug = slug({ min: 1, max: 64 })
const color = text.max(64)

/** POST /v1/projects/:projectId/tags and /v1/workspace/:projectId/tags. Clients send `color: ""` for none. */
export const createTagBody = z.object({ slug: tagSlug, color: color.nullish() })

/** PATCH .../tags/:tagId */
export const updateTagBody = z.object({ slug: tagSlug.optional(), color: color.nullish() })

export const tagObject = z.object({
  id,
  slug: z.string(),
  /** The same as `slug`. */
  name: z.string(),
  color: z.string().nullable(),
  projectId: id,
  createdBy: id,
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type TagObject = z.infer<typeof tagObject>
export const oneTagAnswer = z.object({ tag: tagObject })
export const tagListAnswer = z.object({ tags: z.array(tagObject) })

/** POST and DELETE /v3/secrets/tags/:secretName */
export const secretTagsBody = z.object({
  workspaceId: text.optional(),
  projectSlug: text.optional(),
  workspaceSlug: text.optional(),
  environment: requiredText,
  secretPath: folderPathOrRoot,
  type: z.enum(["shared", "personal"]).default("shared"),
  tagSlugs: z.array(requiredText.max(64)).min(1).max(100),
})
