import type { Reader } from "../db/database.ts"
import type { SecretTable } from "../db/schema.ts"
import { AppError } from "../errors.ts"
import type { Keyring, SecretRowName } from "../keyring/keyring.ts"

/** A secret as it is stored: names in the clear, value and comment sealed. */
export type SecretRecord = {
  readonly id: string
  readonly projectId: string
  readonly environmentId: string
  readonly folderId: string
  readonly key: string
  readonly type: "shared" | "personal"
  /** The owner of a personal secret. */
  readonly userId: string | null
  readonly version: number
  readonly valueSealed: Uint8Array
  readonly commentSealed: Uint8Array | null
  readonly skipMultilineEncoding: boolean | null
  readonly reminderNote: string | null
  readonly reminderRepeatDays: number | null
  readonly metadata: readonly MetadataRecord[]
  readonly tagIds: readonly string[]
  readonly actorType: string
  readonly actorId: string
  readonly createdAt: number
  readonly updatedAt: number
}

/** One pair of `secretMetadata`; an encrypted one has `sealed` (base64) in place of `value`. */
export type MetadataRecord = {
  readonly key: string
  readonly value?: string
  readonly sealed?: string
  readonly isEncrypted: boolean
}

/** The shared secrets of one folder by key, in the order of their keys. */
export type FolderSecrets = {
  readonly byKey: ReadonlyMap<string, SecretRecord>
  /** Roughly how much memory they take. */
  readonly weightBytes: number
}

/**
 * What the MAC of a row covers. The owner of a personal secret is part of its place: a row that was given to someone
 * else, or made shared, is refused.
 */
export function secretRowName(
  row: Pick<SecretTable, "id" | "folder_id" | "user_id" | "key" | "version" | "revision">,
): SecretRowName {
  return {
    secretId: row.id,
    folderId: row.user_id === null ? row.folder_id : `${row.folder_id}/${row.user_id}`,
    key: row.key,
    version: row.version,
    revision: row.revision,
  }
}

/**
 * Turns a row into a record after checking that its name is the one it was written under.
 *
 * @throws AppError "unavailable" when the row was changed by someone other than Coffer
 */
export function secretRecordOf(row: SecretTable, keyring: Keyring): SecretRecord {
  requireOwnName(row, keyring)
  return recordOfOwnRow(row)
}

/**
 * Checks the name of a row that is not made a record.
 *
 * @throws AppError "unavailable" when it is not the one that the row was written under
 */
export function requireOwnName(
  row: Parameters<typeof secretRowName>[0] & Pick<SecretTable, "row_mac">,
  keyring: Keyring,
): void {
  if (keyring.isSecretRowMac(secretRowName(row), row.row_mac)) return
  throw new AppError("unavailable", "InternalServerError", "A stored secret failed its integrity check")
}

/** As {@link secretRecordOf}, of a row that was made a moment ago and not read from anywhere. */
export function recordOfOwnRow(row: SecretTable): SecretRecord {
  return {
    id: row.id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    folderId: row.folder_id,
    key: row.key,
    type: row.type,
    userId: row.user_id,
    version: row.version,
    valueSealed: row.value_sealed,
    commentSealed: row.comment_sealed,
    skipMultilineEncoding: row.skip_multiline_encoding === null ? null : row.skip_multiline_encoding === 1,
    reminderNote: row.reminder_note,
    reminderRepeatDays: row.reminder_repeat_days,
    metadata: JSON.parse(row.metadata) as MetadataRecord[],
    tagIds: JSON.parse(row.tags) as string[],
    actorType: row.actor_type,
    actorId: row.actor_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** The shared secrets of each of these folders. */
export async function loadFolderSecrets(
  reader: Reader,
  keyring: Keyring,
  at: { readonly projectId: string; readonly folderIds: readonly string[] },
): Promise<ReadonlyMap<string, FolderSecrets>> {
  const rows = await reader
    .selectFrom("secret")
    .selectAll()
    .where("project_id", "=", at.projectId)
    .where("folder_id", "in", at.folderIds)
    .where("type", "=", "shared")
    .orderBy("key")
    .execute()
  const byFolder = Map.groupBy(rows, (row) => row.folder_id)
  return new Map(at.folderIds.map((id) => [id, folderSecretsOf(byFolder.get(id) ?? [], keyring)]))
}

/**
 * What became of the secrets of a folder of which some changed: only those are read again.
 *
 * @param at.keys of everything that was created, changed or removed since `before` was loaded, both names of what was renamed
 */
export async function loadChangedSecrets(
  reader: Reader,
  keyring: Keyring,
  before: FolderSecrets,
  at: { readonly projectId: string; readonly folderId: string; readonly keys: ReadonlySet<string> },
): Promise<FolderSecrets> {
  const rows = await reader
    .selectFrom("secret")
    .selectAll()
    .where("project_id", "=", at.projectId)
    .where("folder_id", "=", at.folderId)
    .where("key", "in", [...at.keys])
    .where("type", "=", "shared")
    .execute()
  const changed = rows.map((row) => secretRecordOf(row, keyring))
  let { weightBytes } = before
  for (const key of at.keys) {
    const old = before.byKey.get(key)
    if (old !== undefined) weightBytes -= weightOf(old)
  }
  for (const record of changed) weightBytes += weightOf(record)
  return { byKey: withChanged(before.byKey, at.keys, changed), weightBytes }
}

function withChanged(
  before: ReadonlyMap<string, SecretRecord>,
  keys: ReadonlySet<string>,
  changed: readonly SecretRecord[],
): ReadonlyMap<string, SecretRecord> {
  const byKey = new Map(before)
  const isKept = new Set(changed.map((record) => record.key))
  for (const key of keys) if (!isKept.has(key)) byKey.delete(key)
  for (const record of changed) byKey.set(record.key, record)
  // What is replaced stays where it was in the order; what is new stands at the end.
  if (changed.every((record) => before.has(record.key))) return byKey
  return new Map([...byKey].sort(([left], [right]) => compareKeys(left, right)))
}

const surrogate = /[\ud800-\udfff]/

/** The order of the databases, by code point; by UTF-16 it would be another one where surrogates are. */
export function compareKeys(left: string, right: string): number {
  if (surrogate.test(left) || surrogate.test(right))
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  return left < right ? -1 : Number(left > right)
}

function folderSecretsOf(rows: readonly SecretTable[], keyring: Keyring): FolderSecrets {
  const byKey = new Map(rows.map((row) => [row.key, secretRecordOf(row, keyring)]))
  let weightBytes = 200
  for (const record of byKey.values()) weightBytes += weightOf(record)
  return { byKey, weightBytes }
}

function weightOf(record: SecretRecord): number {
  return 600 + record.valueSealed.length + (record.commentSealed?.length ?? 0) + record.key.length * 2
}
