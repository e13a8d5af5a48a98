/** POST /v4/secrets/move (contract 1.6). */
import { z } from "zod"
import { folderPathOrRoot, requiredText, text } from "./fields.ts"

export const moveSecretsBody = z.object({
  projectId: text.optional(),
  projectSlug: text.optional(),
  sourceEnvironment: requiredText,
  sourceSecretPath: folderPathOrRoot,
  destinationEnvironment: requiredText,
  destinationSecretPath: folderPathOrRoot,
  secretIds: z.array(requiredText).min(1).max(1_000),
  shouldOverwrite: z.boolean().default(false),
})
export const moveSecretsAnswer = z.object({ isSourceUpdated: z.boolean(), isDestinationUpdated: z.boolean() })
