/** What secrets refer to, and what refers to them (contract 1.4), and single secrets by id. */
import { z } from "zod"
import { folderPathOrRoot, id, queryBoolean, requiredText } from "./fields.ts"

/** GET /v4/secrets/id/:secretId; the raw text of references unless expansion is asked for. */
export const getSecretByIdQuery = z.object({
  expandSecretReferences: queryBoolean(false),
  viewSecretValue: queryBoolean(true),
})

/** GET /v4/secrets/:secretName/secret-references and /secret-reference-tree */
export const secretPlaceQuery = z.object({
  projectId: requiredText,
  environment: requiredText,
  secretPath: folderPathOrRoot,
})

/** A secret whose value refers to the one that was asked about. */
export const secretReferenceAnswer = z.object({
  secretKey: z.string(),
  secretId: id,
  environment: z.string(),
  secretPath: z.string(),
  referenceType: z.literal("secret"),
})
export const secretReferencesAnswer = z.object({
  references: z.array(secretReferenceAnswer),
  totalCount: z.int(),
})

/** One secret and what its value refers to. */
export type SecretReferenceNode = {
  readonly key: string
  readonly environment: string
  readonly secretPath: string
  /** Only for a reference into another project: its slug. */
  readonly projectSlug?: string | undefined
  /** As it is stored; absent when there is no such secret or the caller may not read it. */
  readonly value?: string | undefined
  readonly children: readonly SecretReferenceNode[]
}
export const secretReferenceNode: z.ZodType<SecretReferenceNode> = z.object({
  key: z.string(),
  environment: z.string(),
  secretPath: z.string(),
  projectSlug: z.string().optional(),
  value: z.string().optional(),
  get children() {
    return z.array(secretReferenceNode)
  },
})
export const secretReferenceTreeAnswer = z.object({
  tree: secretReferenceNode,
  /** With every reference replaced; absent when the caller may not read all of it. */
  value: z.string().optional(),
})
