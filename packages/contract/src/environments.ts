/** Environments of a project (contract 1.10, 3.2). */
import { z } from "zod"
import { id, requiredText, slug, timestamp } from "./fields.ts"

const environmentSlug = slug({ min: 1, max: 64 })
const position = z.int().min(1).max(10_000)

/** POST /v1/projects/:projectId/environments and /v1/workspace/:projectId/environments */
export const createEnvironmentBody = z.object({
  name: requiredText.max(255),
  slug: environmentSlug,
  position: position.optional(),
})
export type CreateEnvironmentBody = z.input<typeof createEnvironmentBody>

/** PATCH .../environments/:environmentId */
export const updateEnvironmentBody = z.object({
  name: requiredText.max(255).optional(),
  slug: environmentSlug.optional(),
  position: position.optional(),
})

export type UpdateEnvironmentBody = z.input<typeof updateEnvironmentBody>

export const environmentObject = z.object({
  id,
  name: z.string(),
  slug: z.string(),
  position: z.int(),
  projectId: id,
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type EnvironmentObject = z.infer<typeof environmentObject>

/** The current paths say `projectId`, the deprecated ones `workspace`. */
export const environmentAnswer = z.object({
  message: z.string(),
  projectId: id.optional(),
  workspace: id.optional(),
  environment: environmentObject,
})
export const oneEnvironmentAnswer = z.object({ environment: environmentObject })

/** What a new project starts with. */
export const defaultEnvironments = [
  { name: "Development", slug: "dev", position: 1 },
  { name: "Staging", slug: "staging", position: 2 },
  { name: "Production", slug: "prod", position: 3 },
] as const
