/** Coffer's own routes about the past of a project: versions, trash and point-in-time restore. */
import { z } from "zod"
import {
  folderPathOrRoot,
  id,
  queryBoolean,
  queryInteger,
  queryText,
  requiredText,
  timestamp,
} from "./fields.ts"

const revision = z.int().min(0)
const time = z.iso.datetime({
  offset: true,
  error: "must be a date and time with an offset, as 2026-01-31T14:00:00Z",
})
const oneMoment = "needs exactly one of 'revision' and 'time'"

/** GET /coffer/v1/projects/:projectId/restore */
export const restorePreviewQuery = z
  .object({
    environment: requiredText,
    path: folderPathOrRoot,
    recursive: queryBoolean(true),
    revision: queryInteger({ min: 0, max: 1_000_000_000_000 }),
    time: time.optional(),
  })
  .refine((query) => (query.revision === undefined) !== (query.time === undefined), oneMoment)

/** POST /coffer/v1/projects/:projectId/restore */
export const restoreBody = z
  .object({
    environment: requiredText,
    path: folderPathOrRoot,
    recursive: z.boolean().default(true),
    revision: revision.optional(),
    time: time.optional(),
    /** `revision` of the preview: the restore does what was shown, or nothing. */
    expectedRevision: revision,
  })
  .refine((body) => (body.revision === undefined) !== (body.time === undefined), oneMoment)

const place = z.object({ environment: z.string(), path: z.string() })
export const restoreItem = z.object({
  kind: z.enum(["environment", "folder", "import", "secret"]),
  change: z.enum(["create", "update", "delete"]),
  id,
  name: z.string(),
  place,
  oldName: z.string().optional(),
  oldPlace: place.optional(),
  fields: z.array(z.string()).optional(),
})
export type RestoreItem = z.infer<typeof restoreItem>

export const restoreAnswer = z.object({
  restore: z.object({
    toRevision: revision,
    revision,
    items: z.array(restoreItem),
    numberOfHidden: z.int(),
    conflicts: z.array(z.string()),
    notes: z.array(z.string()),
    lostKeys: z.array(z.string()),
  }),
})
export type RestoreAnswer = z.infer<typeof restoreAnswer>

const actor = z.object({ type: z.string(), id: z.string() })

/** GET /coffer/v1/projects/:projectId/history/secrets/:secretId */
export const secretHistoryQuery = z.object({
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 100 }),
  includeValue: queryBoolean(false),
})
export const historyVersion = z.object({
  version: z.int(),
  revision,
  operation: z.enum(["create", "update", "delete"]),
  secretKey: z.string(),
  place: place.nullable(),
  actor,
  createdAt: timestamp,
  isRedacted: z.boolean(),
  /** What differs from the version before; null when that one is not known. */
  changedFields: z.array(z.string()).nullable(),
  /** Only with `includeValue`, for those who may read it. */
  secretValue: z.string().optional(),
})
export type HistoryVersion = z.infer<typeof historyVersion>
export const secretHistoryAnswer = z.object({ versions: z.array(historyVersion), totalCount: z.int() })

/** GET /coffer/v1/projects/:projectId/history/secrets/:secretId/diff */
export const secretDiffQuery = z.object({
  from: z
    .string()
    .regex(/^\d{1,9}$/, "must be the number of a version")
    .transform(Number),
  to: z
    .string()
    .regex(/^\d{1,9}$/, "must be the number of a version")
    .transform(Number),
  includeValue: queryBoolean(false),
})
export const secretDiffAnswer = z.object({
  from: historyVersion,
  to: historyVersion,
  changedFields: z.array(z.string()),
})
export type SecretDiffAnswer = z.infer<typeof secretDiffAnswer>

/** POST /coffer/v1/projects/:projectId/history/secrets/:secretId/rollback */
export const rollbackBody = z.object({ version: z.int().min(1) })
export const rollbackAnswer = z.object({
  secret: z.object({ id, secretKey: z.string(), version: z.int(), place }),
  changedFields: z.array(z.string()),
})

/** POST /coffer/v1/projects/:projectId/history/secrets/:secretId/redact */
export const redactBody = z.object({ version: z.int().min(1) })
export const redactAnswer = z.object({ secretId: id, version: z.int() })

export const trashKind = z.enum(["secret", "folder", "environment"])

/** GET /coffer/v1/projects/:projectId/trash */
export const trashQuery = z.object({
  environment: queryText,
  kind: z.preprocess((value) => (value === "" ? undefined : value), trashKind.optional()),
  /** Also what went with a folder or an environment. */
  all: queryBoolean(false),
  offset: queryInteger({ min: 0, max: 1_000_000 }),
  limit: queryInteger({ min: 1, max: 1_000 }),
})
export const trashItem = z.object({
  kind: trashKind,
  id,
  name: z.string(),
  place,
  deletedBy: actor,
  deletedAt: timestamp,
  revision,
  /** The folder or environment that it went with. */
  partOf: z.string().nullable(),
})
export type TrashItem = z.infer<typeof trashItem>
export const trashAnswer = z.object({
  items: z.array(trashItem),
  totalCount: z.int(),
  trashDays: z.int().nullable(),
})

/** POST /coffer/v1/projects/:projectId/trash/restore */
export const trashRestoreBody = z.object({ kind: trashKind, id: requiredText })

/** How many versions of a secret are kept. */
export const versionLimit = z.int().min(1).max(100)
/** After how many days the values of deleted secrets go. */
export const trashDays = z.int().min(1).max(3_650)

/** PATCH /coffer/v1/projects/:projectId/history */
export const historySettingsBody = z.object({
  /** null for all. */
  versionLimit: versionLimit.nullable().optional(),
  /** null for never. */
  trashDays: trashDays.nullable().optional(),
})
export const historySettingsAnswer = z.object({
  versionLimit: z.int().nullable(),
  trashDays: z.int().nullable(),
})
