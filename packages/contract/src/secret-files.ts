/** Secrets as files, in and out of a folder: what the compatible routes lack. */
import { z } from "zod"
import { folderPathOrRoot, queryBoolean, requiredText } from "./fields.ts"
import { conflictMode } from "./transfers.ts"

/**
 * POST /coffer/v1/projects/:projectId/import. Nested objects become folders below `secretPath`. With `preview` nothing
 * is written.
 */
export const importSecretsBody = z.object({
  environment: requiredText,
  secretPath: folderPathOrRoot,
  format: z.enum(["dotenv", "json", "yaml"]),
  /** The text of the file. */
  content: z.string().refine((content) => content.isWellFormed(), "must be well-formed text"),
  /** What to do with a secret that has another value already; one that has the same is left alone. */
  onConflict: conflictMode.default("fail"),
  preview: z.boolean().default(false),
})

const placed = z.array(z.object({ secretPath: z.string(), secretKey: z.string() }))

export const importSecretsAnswer = z.object({
  /** True when it was written, false for a preview. */
  isApplied: z.boolean(),
  created: placed,
  /** Have another value; overwritten, or left as they are, as `onConflict` says. */
  changed: placed,
  unchanged: placed,
  foldersCreated: z.array(z.string()),
})
export type ImportSecretsAnswer = z.infer<typeof importSecretsAnswer>

/** GET /coffer/v1/projects/:projectId/export */
export const exportSecretsQuery = z.object({
  environment: requiredText,
  secretPath: folderPathOrRoot,
  format: z.enum(["dotenv", "dotenv-export", "json", "csv", "yaml"]).default("dotenv"),
  recursive: queryBoolean(false),
  includeImports: queryBoolean(true),
  expandSecretReferences: queryBoolean(true),
})
export const exportSecretsAnswer = z.object({ fileName: z.string(), content: z.string() })
