/** Secret imports, v1 (`workspaceId`) and v2 (`projectId`) (contract 1.8). */
import { z } from "zod"
import { folderPath, folderPathOrRoot, id, queryBoolean, requiredText, timestamp } from "./fields.ts"
import { importAnswer } from "./secrets.ts"

const place = { environment: requiredText, path: folderPathOrRoot }
const v1 = { workspaceId: requiredText, ...place }
const v2 = { projectId: requiredText, ...place }

const createFields = {
  /** The folder whose secrets are shown. */
  import: z.object({ environment: requiredText, path: folderPath }),
  /** Stored and answered; every import shows what its source holds now. */
  isReplication: z.boolean().default(false),
}
export const createSecretImportV1Body = z.object({ ...v1, ...createFields })
export const createSecretImportV2Body = z.object({ ...v2, ...createFields })

const updateFields = {
  import: z.object({
    environment: requiredText.optional(),
    path: folderPath.optional(),
    /** From 1; the imports in between move by one. */
    position: z.int().min(1).max(1_000_000).optional(),
  }),
}
export const updateSecretImportV1Body = z.object({ ...v1, ...updateFields })
export const updateSecretImportV2Body = z.object({ ...v2, ...updateFields })

export const deleteSecretImportV1Body = z.object(v1)
export const deleteSecretImportV2Body = z.object(v2)

export const listSecretImportsV1Query = z.object(v1)
export const listSecretImportsV2Query = z.object(v2)

const valueFields = {
  expandSecretReferences: queryBoolean(false),
  viewSecretValue: queryBoolean(true),
}
/** GET /v1/secret-imports/secrets, /secrets/raw, and the same below /v2 */
export const importedSecretsV1Query = z.object({ ...v1, ...valueFields })
export const importedSecretsV2Query = z.object({ ...v2, ...valueFields })

const environment = z.object({ id, name: z.string(), slug: z.string() })

export const secretImportObject = z.object({
  id,
  version: z.int(),
  importPath: z.string(),
  importEnv: environment,
  position: z.int(),
  folderId: id,
  isReplication: z.boolean(),
  isReserved: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type SecretImportObject = z.infer<typeof secretImportObject>

export const secretImportAnswer = z.object({ message: z.string(), secretImport: secretImportObject })
export const secretImportListAnswer = z.object({
  message: z.string(),
  secretImports: z.array(secretImportObject),
})
/** GET /:secretImportId also tells where the import is. */
export const secretImportDetailsAnswer = z.object({
  secretImport: secretImportObject.extend({ projectId: id, environment, secretPath: z.string() }),
})
export const importedSecretsAnswer = z.object({ secrets: z.array(importAnswer) })
