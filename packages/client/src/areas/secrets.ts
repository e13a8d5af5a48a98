/** Secrets of one folder, over the v4 routes. */
import {
  type ImportAnswer,
  listSecretsAnswer,
  oneSecretAnswer,
  type SecretAnswer,
  secretAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

/** Where secrets live. */
export type FolderPlace = {
  readonly projectId: string
  /** Slug of the environment. */
  readonly environment: string
  /** Absolute path of the folder; "/" is the root. */
  readonly secretPath: string
}

export type SecretType = "shared" | "personal"

export type ListOptions = {
  readonly recursive?: boolean
  readonly includeImports?: boolean
  readonly expandSecretReferences?: boolean
  /** False lists the keys without their values. */
  readonly viewSecretValue?: boolean
  /** Comma separated; secrets with any of them. */
  readonly tagSlugs?: string | undefined
}

export type GetOptions = Omit<ListOptions, "recursive" | "tagSlugs"> & {
  readonly type?: SecretType
  readonly version?: number
}

export type SecretInput = {
  readonly secretValue: string
  readonly secretComment?: string
  readonly type?: SecretType
  readonly tagIds?: readonly string[]
}

const fields = {
  id: true,
  version: true,
  type: true,
  environment: true,
  secretKey: true,
  secretValue: true,
  secretComment: true,
} as const
const secret = secretAnswer.pick({ ...fields, secretPath: true, createdAt: true, updatedAt: true })
const importedSecret = secretAnswer.pick(fields)
const importShape = listSecretsAnswer.shape.imports.unwrap().element
const oneSecret = oneSecretAnswer.extend({ secret })
const secretList = listSecretsAnswer.extend({
  secrets: secret.array(),
  imports: importShape.extend({ secrets: importedSecret.array() }).array().optional(),
})

type Field = keyof typeof fields
export type ImportedSecret = Pick<SecretAnswer, Field>
export type Secret = Pick<SecretAnswer, Field | "secretPath" | "createdAt" | "updatedAt">
export type SecretImport = Omit<ImportAnswer, "secrets"> & { readonly secrets: readonly ImportedSecret[] }
export type SecretList = {
  readonly secrets: readonly Secret[]
  /** In the order of the folder's imports; which one wins is the caller's rule. */
  readonly imports: readonly SecretImport[]
}

export function secretsArea(transport: Transport) {
  const path = (key: string) => `/api/v4/secrets/${encodeURIComponent(key)}`
  return {
    list: async (place: FolderPlace, options: ListOptions = {}): Promise<SecretList> => {
      const query = { ...place, ...options }
      const answer = await transport.call({
        method: "GET",
        path: "/api/v4/secrets",
        query,
        schema: secretList,
      })
      return { secrets: answer.secrets, imports: answer.imports ?? [] }
    },

    /** @throws ApiError "not-found" for a missing secret, environment or folder; the message says which */
    get: async (place: FolderPlace, key: string, options: GetOptions = {}): Promise<Secret> => {
      const query = { ...place, ...options }
      return (await transport.call({ method: "GET", path: path(key), query, schema: oneSecret })).secret
    },

    /** @throws ApiError "conflict" when the key exists already */
    create: async (place: FolderPlace, key: string, input: SecretInput): Promise<Secret> => {
      const body = { ...place, ...input }
      return (await transport.call({ method: "POST", path: path(key), body, schema: oneSecret })).secret
    },

    /** A new version; what the input leaves out stays. @throws ApiError "not-found" when the key is missing */
    update: async (place: FolderPlace, key: string, input: Partial<SecretInput>): Promise<Secret> => {
      const body = { ...place, ...input }
      return (await transport.call({ method: "PATCH", path: path(key), body, schema: oneSecret })).secret
    },

    /** Returns what was deleted. @throws ApiError "not-found" when the key is missing */
    delete: async (place: FolderPlace, key: string, type: SecretType = "shared"): Promise<Secret> => {
      const body = { ...place, type }
      return (await transport.call({ method: "DELETE", path: path(key), body, schema: oneSecret })).secret
    },
  }
}
