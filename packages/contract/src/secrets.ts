/**
 * Secrets, v3 raw and v4 (contract 1.2-1.6). Both versions come down to the same canonical request; they differ in
 * how the project is named and in the defaults of imports and expansion (gotchas 6-8).
 */
import { z } from "zod"
import {
  folderPath,
  folderPathOrRoot,
  id,
  queryBoolean,
  queryInteger,
  queryText,
  requiredText,
  secretKey,
  secretValue,
  text,
  timestamp,
  wholeNumber,
} from "./fields.ts"

/** What stands in the place of a value that the caller may not read. */
export const hiddenSecretValue = "<hidden-by-infisical>"

const secretType = z.enum(["shared", "personal"])
const queryType = z
  .enum(["shared", "personal", ""])
  .optional()
  .transform((type) => (type === "personal" ? "personal" : "shared"))

/** GET /v3/secrets/raw. Neither project nor environment is required here: their absence is a 400, not a 422. */
export const listSecretsV3Query = z.object({
  workspaceId: queryText,
  workspaceSlug: queryText,
  environment: queryText,
  secretPath: folderPathOrRoot,
  expandSecretReferences: queryBoolean(false),
  include_imports: queryBoolean(false),
  recursive: queryBoolean(false),
  viewSecretValue: queryBoolean(true).describe(
    "`false` hides all values. Otherwise the answer is a 403 when a value of the folder may not be read; with `recursive`, such secrets are left out",
  ),
  tagSlugs: queryText,
  metadataFilter: queryText,
})

/** GET /v4/secrets */
export const listSecretsV4Query = z.object({
  projectId: requiredText,
  environment: requiredText,
  secretPath: folderPathOrRoot,
  includeImports: queryBoolean(true),
  expandSecretReferences: queryBoolean(true),
  recursive: queryBoolean(false),
  includePersonalOverrides: queryBoolean(false),
  viewSecretValue: queryBoolean(true).describe(
    "`false` hides all values. Otherwise those that may not be read are hidden, see `secretValueHidden`; with `recursive`, such secrets are left out",
  ),
  tagSlugs: queryText,
  metadataFilter: queryText,
})

const version = queryInteger({ min: 1, max: 2_147_483_647 })

/** GET /v3/secrets/raw/:secretName. `includeImports` is what the Node SDK sends for `include_imports`. */
export const getSecretV3Query = z.object({
  workspaceId: queryText,
  workspaceSlug: queryText,
  environment: queryText,
  secretPath: folderPathOrRoot,
  type: queryType,
  version,
  include_imports: queryBoolean(false),
  includeImports: queryBoolean(false),
  expandSecretReferences: queryBoolean(false),
  viewSecretValue: queryBoolean(true),
})

/** GET /v4/secrets/:secretName */
export const getSecretV4Query = z.object({
  projectId: requiredText,
  environment: requiredText,
  secretPath: folderPathOrRoot,
  type: queryType,
  version,
  includeImports: queryBoolean(true),
  expandSecretReferences: queryBoolean(true),
  viewSecretValue: queryBoolean(true),
})

/** One pair of `secretMetadata`. */
export const secretMetadataPair = z.object({
  key: requiredText.max(255),
  value: text.max(1020),
  isEncrypted: z.boolean().optional(),
})

const v3Locator = {
  workspaceId: text.optional(),
  projectSlug: text.optional(),
  workspaceSlug: text.optional(),
  environment: requiredText,
  secretPath: folderPathOrRoot,
}
const v4Locator = {
  projectId: requiredText,
  environment: requiredText,
  secretPath: folderPathOrRoot,
}
/** After how many days with one value somebody is reminded. */
export const reminderRepeatDays = wholeNumber({ min: 1, max: 365 })

const attributes = {
  skipMultilineEncoding: z.boolean().nullish(),
  tagIds: z.array(requiredText).max(100).optional(),
  secretMetadata: z.array(secretMetadataPair).max(100).optional(),
  secretReminderRepeatDays: reminderRepeatDays.nullish(),
  secretReminderNote: text.max(1024).nullish(),
}
const createFields = {
  ...attributes,
  secretValue,
  secretComment: text.default(""),
  type: secretType.default("shared"),
}
const updateFields = {
  ...attributes,
  secretValue: secretValue.optional(),
  secretComment: text.optional(),
  newSecretName: secretKey.optional(),
  type: secretType.default("shared"),
}

export const createSecretV3Body = z.object({ ...v3Locator, ...createFields })
export const createSecretV4Body = z.object({ ...v4Locator, ...createFields })
export const updateSecretV3Body = z.object({ ...v3Locator, ...updateFields })
export const updateSecretV4Body = z.object({ ...v4Locator, ...updateFields })
export const deleteSecretV3Body = z.object({ ...v3Locator, type: secretType.default("shared") })
export const deleteSecretV4Body = z.object({ ...v4Locator, type: secretType.default("shared") })

const batchLimit = 1_000
const createItems = z
  .array(z.object({ ...createFields, secretKey }))
  .min(1)
  .max(batchLimit)
const updateItems = z
  .array(z.object({ ...updateFields, secretKey, secretPath: folderPath.optional() }))
  .min(1)
  .max(batchLimit)
const deleteItems = z
  .array(z.object({ secretKey: requiredText, type: secretType.default("shared") }))
  .min(1)
  .max(batchLimit)
const updateMode = z.enum(["failOnNotFound", "upsert", "ignore"]).default("failOnNotFound")

export const createSecretsV3Body = z.object({ ...v3Locator, secrets: createItems })
export const createSecretsV4Body = z.object({ ...v4Locator, secrets: createItems })
export const updateSecretsV3Body = z.object({ ...v3Locator, mode: updateMode, secrets: updateItems })
export const updateSecretsV4Body = z.object({ ...v4Locator, mode: updateMode, secrets: updateItems })
export const deleteSecretsV3Body = z.object({ ...v3Locator, secrets: deleteItems })
export const deleteSecretsV4Body = z.object({ ...v4Locator, secrets: deleteItems })

/** Who wrote the newest version. */
export const secretActor = z.object({
  actorId: z.string().nullable(),
  actorType: z.string().nullable(),
  name: z.string().nullable(),
  membershipId: z.string().nullable(),
  groupId: z.string().nullable(),
})

const secretAnswerFields = {
  id,
  /** The same as `id`; the Infisical command line reads only this one. */
  _id: id,
  workspace: id,
  environment: z.string(),
  version: z.int(),
  type: secretType,
  secretKey: z.string(),
  secretValue: z.string(),
  secretComment: z.string(),
  secretReminderNote: z.string().nullable(),
  secretReminderRepeatDays: z.number().nullable(),
  skipMultilineEncoding: z.boolean().nullable(),
  actor: secretActor.nullable(),
  isRotatedSecret: z.boolean(),
  rotationId: z.string().nullable(),
  secretValueHidden: z.boolean(),
  secretMetadata: z.array(z.object({ key: z.string(), value: z.string(), isEncrypted: z.boolean() })),
}

/** The secret object of contract 1.2. */
export const secretAnswer = z.object({
  ...secretAnswerFields,
  createdAt: timestamp,
  updatedAt: timestamp,
  secretPath: z.string(),
  tags: z.array(z.object({ id, slug: z.string(), name: z.string(), color: z.string().nullable() })),
})
export type SecretAnswer = z.infer<typeof secretAnswer>

/** The secrets that a folder takes from another one, in the order of its imports. */
export const importAnswer = z.object({
  secretPath: z.string(),
  environment: z.string(),
  folderId: z.string().optional(),
  secrets: z.array(z.object(secretAnswerFields)),
})
export type ImportAnswer = z.infer<typeof importAnswer>

export const listSecretsAnswer = z.object({
  secrets: z.array(secretAnswer),
  imports: z.array(importAnswer).optional(),
})
export type ListSecretsAnswer = z.infer<typeof listSecretsAnswer>
export const oneSecretAnswer = z.object({ secret: secretAnswer })
export const manySecretsAnswer = z.object({ secrets: z.array(secretAnswer) })

/** GET /v1/secret/:secretId/secret-versions and /v1/dashboard/secret-versions/:secretId: newest first, no values. */
export const secretVersionsQuery = z.object({
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 100 }),
})
export const secretVersionAnswer = z.object({
  id: z.string(),
  secretId: id,
  version: z.int(),
  type: secretType,
  secretKey: z.string(),
  isDeleted: z.boolean(),
  actor: secretActor.nullable(),
  createdAt: timestamp,
})
export type SecretVersionAnswer = z.infer<typeof secretVersionAnswer>
export const secretVersionsAnswer = z.object({ secretVersions: z.array(secretVersionAnswer) })
