/**
 * The archive of a whole project: what its records say, and the routes that make and read one. Records are strict: a
 * field that is not known could mean something that would be lost.
 *
 * Order: header, then users, tags, roles, then the versions of environments, folders, imports and secrets, each kind by
 * (revision, id, version). The newest version of a thing that is there has `current`.
 */
import { z } from "zod"
import { auditRetentionDays } from "./audit-log.ts"
import {
  folderName,
  folderPath,
  id,
  queryBoolean,
  queryText,
  requiredText,
  secretKey,
  slug,
} from "./fields.ts"
import { trashDays, versionLimit } from "./history.ts"
import { permissionRules } from "./permissions.ts"
import { projectAnswer } from "./projects.ts"
import { roleSlug } from "./roles.ts"
import { reminderRepeatDays } from "./secrets.ts"

export const archiveFormat = "coffer/project-archive"
/** Grows when a reader of the former version could no longer read what is written. */
export const archiveVersion = 1

/** No project has as many revisions, and as many may follow before a number is no longer exact. */
const largestOrdinal = 2 ** 52
const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, "must be a UUID in lower case")
const ordinal = z.int().min(1).max(largestOrdinal)
const time = z.int().min(0).max(8.64e15)
const wellFormed = z.string().refine((value) => value.isWellFormed(), "must be well-formed text")
const storable = wellFormed.refine((value) => !value.includes("\u0000"), "must not contain NUL characters")
const description = storable.max(1_024).nullable()

/** Refuses what the edge would have changed: names are canonical once they are stored. */
function canonical(schema: z.ZodType<string>) {
  return z.string().superRefine((value, context) => {
    const parsed = schema.safeParse(value)
    if (parsed.success && parsed.data === value) return
    const message = parsed.error?.issues[0]?.message ?? "must be in its canonical form"
    context.addIssue({ code: "custom", message })
  })
}

/** The first line of an archive, as far as every version of the format has it. */
export const archiveBeginning = z.object({
  kind: z.literal("header"),
  format: z.literal(archiveFormat),
  version: ordinal,
})

export const archiveHeader = z.strictObject({
  ...archiveBeginning.shape,
  version: z.literal(archiveVersion),
  exportedAt: time,
  project: z.strictObject({
    id: uuid,
    name: canonical(requiredText.max(255)),
    slug: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[a-z0-9]+(?:[-_][a-z0-9]+)*$/, "must be a slug"),
    description,
    revision: ordinal,
    autoCapitalization: z.boolean(),
    hasDeleteProtection: z.boolean(),
    versionLimit: versionLimit.nullable(),
    trashDays: trashDays.nullable(),
    auditRetentionDays: auditRetentionDays.nullable(),
    createdAt: time,
    updatedAt: time,
  }),
})
export type ArchiveHeader = z.output<typeof archiveHeader>

const created = { createdAt: time, updatedAt: time }
const version = {
  version: ordinal,
  revision: ordinal,
  op: z.enum(["create", "update", "delete"]),
  actorType: storable.max(64),
  actorId: storable.max(255),
  at: time,
}
const current = z.strictObject(created).optional()

/** The owner of a personal secret; another server knows the person by the address. */
const user = z.strictObject({ kind: z.literal("user"), id: uuid, email: storable.max(320) })
const tag = z.strictObject({
  kind: z.literal("tag"),
  id: uuid,
  slug: canonical(slug({ min: 1, max: 64 })),
  color: storable.max(64).nullable(),
  createdBy: storable.max(255),
  ...created,
})
const role = z.strictObject({
  kind: z.literal("role"),
  id: uuid,
  slug: canonical(roleSlug),
  name: canonical(requiredText.max(64)),
  description: storable.max(1_000).nullable(),
  permissions: permissionRules,
  version: ordinal,
  ...created,
})
const environment = z.strictObject({
  kind: z.literal("environment"),
  id: uuid,
  ...version,
  name: canonical(requiredText.max(255)),
  slug: canonical(slug({ min: 1, max: 64 })),
  position: z.int().min(0).max(1_000_000),
  current,
})
const folder = z.strictObject({
  kind: z.literal("folder"),
  id: uuid,
  ...version,
  environmentId: uuid,
  parentId: uuid.nullable(),
  name: canonical(folderName),
  description,
  current,
})
const secretImport = z.strictObject({
  kind: z.literal("import"),
  id: uuid,
  ...version,
  folderId: uuid,
  importEnvironmentId: uuid,
  importPath: canonical(folderPath),
  position: z.int().min(0).max(1_000_000),
  isReplication: z.boolean(),
  current,
})
const secret = z.strictObject({
  kind: z.literal("secret"),
  id: uuid,
  ...version,
  environmentId: uuid,
  folderId: uuid,
  key: canonical(secretKey),
  /** The owner of a personal secret. */
  userId: uuid.nullable(),
  /** null for a deletion, and for a value that was taken out for good. */
  value: wellFormed.nullable(),
  comment: wellFormed,
  skipMultilineEncoding: z.boolean().nullable(),
  reminderNote: storable.nullable(),
  reminderRepeatDays: reminderRepeatDays.nullable(),
  metadata: z
    .array(z.strictObject({ key: wellFormed, value: wellFormed, isEncrypted: z.boolean() }))
    .max(1_000),
  tagIds: z.array(uuid).max(1_000),
  current: z.strictObject({ createdAt: time, reminderFrom: time.nullable() }).optional(),
})

/** Every record but the header and the end. */
export const archiveEntry = z.discriminatedUnion("kind", [
  user,
  tag,
  role,
  environment,
  folder,
  secretImport,
  secret,
])
export type ArchiveEntry = z.output<typeof archiveEntry>
export type ArchiveEntryOf<K extends ArchiveEntry["kind"]> = Extract<ArchiveEntry, { readonly kind: K }>

/** In the order in which they come. */
export const archiveEntryKinds = [
  "user",
  "tag",
  "role",
  "environment",
  "folder",
  "import",
  "secret",
] as const satisfies readonly ArchiveEntry["kind"][]

/** Largest number of recipients of one archive. */
const maxRecipients = 20
const recipient = requiredText.max(8_192).regex(/^age1[a-z0-9]+$/, "must be an age recipient, age1...")

/** GET /coffer/v1/projects/:projectId/archive: `recipient` may be repeated. */
export const exportArchiveQuery = z.object({
  recipient: z.union([recipient.transform((one) => [one]), z.array(recipient).min(1).max(maxRecipients)], {
    error: "must be an age recipient, age1...; repeat it for several",
  }),
})

/** POST /coffer/v1/projects/archive */
export const importArchiveQuery = z.object({
  /** Gives everything a new id, so that the project can stand beside the one that was exported. */
  asCopy: queryBoolean(false),
  /** In place of the slug and the name in the archive. */
  slug: queryText.pipe(slug({ min: 5, max: 36 }).optional()),
  name: queryText.pipe(requiredText.max(255).optional()),
})
/** The header that holds the age identity which opens the uploaded archive. */
export const archiveIdentityHeader = "x-coffer-archive-identity"

export const archiveCounts = z.object({
  environments: z.int(),
  folders: z.int(),
  imports: z.int(),
  tags: z.int(),
  roles: z.int(),
  secrets: z.int(),
  personalSecrets: z.int(),
  /** Of secrets, deletions included. */
  versions: z.int(),
})
export type ArchiveCounts = z.infer<typeof archiveCounts>

export const importArchiveAnswer = z.object({
  project: projectAnswer,
  /** The id of the project that was exported. */
  fromProjectId: id,
  isCopy: z.boolean(),
  counts: archiveCounts,
})
export type ImportArchiveAnswer = z.infer<typeof importArchiveAnswer>
