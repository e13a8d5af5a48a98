/** From the two wire versions to the one canonical request. */
import {
  createSecretsV3Body,
  createSecretsV4Body,
  createSecretV3Body,
  createSecretV4Body,
  deleteSecretsV3Body,
  deleteSecretsV4Body,
  deleteSecretV3Body,
  deleteSecretV4Body,
  getSecretV3Query,
  getSecretV4Query,
  listSecretsV3Query,
  listSecretsV4Query,
  updateSecretsV3Body,
  updateSecretsV4Body,
  updateSecretV3Body,
  updateSecretV4Body,
} from "@coffer/contract"
import { AppError } from "../../errors.ts"
import { projectRef } from "../project-access/index.ts"
import type { WritePlace } from "./desk.ts"
import type { MetadataPair, SecretChange } from "./domain.ts"
import { parseFilter } from "./filters.ts"
import type { ListInput } from "./read-secrets.ts"

type Located = {
  readonly workspaceId?: string | undefined
  readonly workspaceSlug?: string | undefined
  readonly projectSlug?: string | undefined
  readonly projectId?: string | undefined
  readonly environment?: string | undefined
  readonly secretPath: string
}

function placeOf(located: Located): WritePlace {
  const id = located.projectId ?? located.workspaceId
  const project = projectRef(id, located.projectSlug ?? located.workspaceSlug)
  if (located.environment === undefined) {
    throw new AppError("invalid", "BadRequest", "You must provide environment: the slug of an environment")
  }
  return { project, environment: located.environment, path: located.secretPath }
}

type Shown = { readonly expandSecretReferences: boolean; readonly viewSecretValue: boolean }
type Listed = {
  readonly recursive: boolean
  readonly tagSlugs?: string | undefined
  readonly metadataFilter?: string | undefined
}

function listOf(
  query: Located & Shown & Listed,
  also: Pick<ListInput, "includeImports" | "personalOverrides" | "unreadable">,
) {
  return {
    ...placeOf(query),
    expand: query.expandSecretReferences,
    viewValue: query.viewSecretValue,
    recursive: query.recursive,
    filter: parseFilter(query.tagSlugs, query.metadataFilter),
    ...also,
  }
}

type One = { readonly type: "shared" | "personal"; readonly version?: number | undefined }

function oneOf(query: Located & Shown & One, includeImports: boolean) {
  return {
    includeImports,
    ...placeOf(query),
    expand: query.expandSecretReferences,
    viewValue: query.viewSecretValue,
    type: query.type,
    version: query.version,
  }
}

type Written = {
  readonly secretValue?: string | undefined
  readonly secretComment?: string | undefined
  readonly skipMultilineEncoding?: boolean | null | undefined
  readonly secretReminderNote?: string | null | undefined
  readonly secretReminderRepeatDays?: number | null | undefined
  readonly secretMetadata?:
    | readonly { readonly key: string; readonly value: string; readonly isEncrypted?: boolean | undefined }[]
    | undefined
  readonly tagIds?: readonly string[] | undefined
}

/** The attributes of a write, by the words of the domain. */
export function changeOf(written: Written): SecretChange {
  return {
    value: written.secretValue,
    comment: written.secretComment,
    skipMultilineEncoding: written.skipMultilineEncoding,
    reminderNote: written.secretReminderNote,
    reminderRepeatDays: written.secretReminderRepeatDays,
    metadata: written.secretMetadata?.map(
      (pair): MetadataPair => ({ key: pair.key, value: pair.value, isEncrypted: pair.isEncrypted === true }),
    ),
    tagIds: written.tagIds,
  }
}

const withPlace = <T extends Located>(body: T) => ({ ...body, place: placeOf(body) })
const listV3 = listSecretsV3Query.transform((query) =>
  listOf(query, {
    includeImports: query.include_imports,
    personalOverrides: false,
    unreadable: query.recursive ? "left-out" : "refused",
  }),
)
const listV4 = listSecretsV4Query.transform((query) =>
  listOf(query, {
    includeImports: query.includeImports,
    personalOverrides: query.includePersonalOverrides,
    unreadable: query.recursive ? "left-out" : "hidden",
  }),
)

/** The schemas of one wire version, each ending in the canonical request. */
export const wireVersions = [
  {
    list: "/v3/secrets/raw",
    one: "/v3/secrets/raw/:secretName",
    batch: "/v3/secrets/batch/raw",
    listQuery: listV3,
    getQuery: getSecretV3Query.transform((query) =>
      oneOf(query, query.include_imports || query.includeImports),
    ),
    createBody: createSecretV3Body.transform(withPlace),
    updateBody: updateSecretV3Body.transform(withPlace),
    deleteBody: deleteSecretV3Body.transform(withPlace),
    createManyBody: createSecretsV3Body.transform(withPlace),
    updateManyBody: updateSecretsV3Body.transform(withPlace),
    deleteManyBody: deleteSecretsV3Body.transform(withPlace),
  },
  {
    list: "/v4/secrets",
    one: "/v4/secrets/:secretName",
    batch: "/v4/secrets/batch",
    listQuery: listV4,
    getQuery: getSecretV4Query.transform((query) => oneOf(query, query.includeImports)),
    createBody: createSecretV4Body.transform(withPlace),
    updateBody: updateSecretV4Body.transform(withPlace),
    deleteBody: deleteSecretV4Body.transform(withPlace),
    createManyBody: createSecretsV4Body.transform(withPlace),
    updateManyBody: updateSecretsV4Body.transform(withPlace),
    deleteManyBody: deleteSecretsV4Body.transform(withPlace),
  },
] as const

export type WireVersion = (typeof wireVersions)[number]
