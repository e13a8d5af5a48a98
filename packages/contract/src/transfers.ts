/** Copies of secrets, and one new name in several environments: what the compatible routes lack. */
import { z } from "zod"
import { folderPath, folderPathOrRoot, requiredText, secretKey } from "./fields.ts"

export const conflictMode = z.enum(["fail", "skip", "overwrite"])
export type ConflictMode = z.infer<typeof conflictMode>

/** POST /coffer/v1/projects/:projectId/secrets/copy; without `secretIds` everything the folder holds. */
export const copySecretsBody = z.object({
  sourceEnvironment: requiredText,
  sourceSecretPath: folderPathOrRoot,
  destinationEnvironment: requiredText,
  destinationSecretPath: folderPathOrRoot,
  secretIds: z.array(requiredText).min(1).max(1_000).optional(),
  /** Also copies what the folders below hold. */
  recursive: z.boolean().default(false),
  onConflict: conflictMode.default("fail"),
})

const placed = z.object({ secretPath: z.string(), secretKey: z.string() })
export const copySecretsAnswer = z.object({
  created: z.array(placed),
  overwritten: z.array(placed),
  skipped: z.array(placed),
  foldersCreated: z.array(z.string()),
})

/** POST /coffer/v1/projects/:projectId/secrets/rename; without `environments` wherever the key is, by
 * somebody who may edit it everywhere. */
export const renameKeyBody = z.object({
  secretPath: folderPath.optional().transform((path) => path ?? "/"),
  secretKey: requiredText,
  newSecretKey: secretKey,
  environments: z.array(requiredText).min(1).max(100).optional(),
})
export const renameKeyAnswer = z.object({ environments: z.array(z.string()) })
