/** POST /coffer/v1/projects/:projectId/search: secrets of all environments and folders by name, tag, metadata, value. */
import { z } from "zod"
import { folderPath, id, requiredText, timestamp } from "./fields.ts"

const needle = z.string().min(1).max(1_024)

/** Capitals do not matter in names. */
const keyCriterion = z
  .object({ contains: needle.optional(), prefix: needle.optional(), glob: needle.max(256).optional() })
  .refine(
    (key) => Object.values(key).filter((one) => one !== undefined).length === 1,
    "must be exactly one of contains, prefix and glob",
  )

export const searchSecretsBody = z.object({
  key: keyCriterion.optional(),
  /** Slugs; any of them. */
  tags: z.array(requiredText).max(50).optional(),
  /** All of these pairs; without a value, any value. */
  metadata: z
    .array(z.object({ key: requiredText.max(255), value: z.string().max(1_020).optional() }))
    .max(10)
    .optional(),
  /** Text that the value holds, before references are replaced; only secrets whose value the caller may read. */
  value: z.object({ contains: needle }).optional(),
  /** The slug of one environment instead of all. */
  environment: requiredText.optional(),
  /** Only this folder and what is below. */
  secretPath: folderPath.optional(),
  /** Where the last page ended. */
  cursor: z.string().max(8_192).optional(),
  limit: z.int().min(1).max(200).default(50),
})
export type SearchSecretsBody = z.infer<typeof searchSecretsBody>

export const searchSecretsAnswer = z.object({
  secrets: z.array(
    z.object({
      id,
      secretKey: z.string(),
      environment: z.string(),
      secretPath: z.string(),
      version: z.int(),
      updatedAt: timestamp,
      tags: z.array(z.object({ id, slug: z.string(), name: z.string(), color: z.string().nullable() })),
    }),
  ),
  /** Sent again for the next page; null when everything was searched. A page may be short, or empty, before the end. */
  nextCursor: z.string().nullable(),
  /** How many secrets this page looked at. */
  searched: z.int(),
})
export type SearchSecretsAnswer = z.infer<typeof searchSecretsAnswer>
