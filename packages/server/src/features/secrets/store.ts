/** Writes the tables secret and secret_version; `tombstone-store.ts`, `rewrite.ts` and `features/history` do so besides. */
import { type Expression, sql } from "kysely"
import { requireOwnName, type SecretRecord, secretRecordOf } from "../../cache/index.ts"
import { chunksOf } from "../../db/chunks.ts"
import type { Reader, Writer } from "../../db/database.ts"
import { fixedPair, fixedStatement, isDirect } from "../../db/fixed-statement.ts"
import type { SecretTable, SecretVersionTable, VersionOperation } from "../../db/schema.ts"
import type { Keyring } from "../../keyring/keyring.ts"

/** Secrets of a folder by key, as the transaction sees them: the shared ones, or the overrides of one user. */
export async function findSecrets(
  db: Reader,
  keyring: Keyring,
  at: {
    readonly projectId: string
    readonly folderId: string
    readonly userId: string | null
    readonly keys: readonly string[]
  },
): Promise<Map<string, SecretRecord>> {
  const found = new Map<string, SecretRecord>()
  const [only] = at.keys
  if (only !== undefined && at.keys.length === 1 && at.userId === null) {
    const { projectId, folderId } = at
    const [row] = await findSharedSecret(db, { projectId, folderId, key: only })
    return row === undefined ? found : found.set(only, secretRecordOf(row, keyring))
  }
  for (const keys of chunksOf(at.keys)) {
    const rows = await db
      .selectFrom("secret")
      .selectAll()
      .where("project_id", "=", at.projectId)
      .where("folder_id", "=", at.folderId)
      .where("user_id", at.userId === null ? "is" : "=", at.userId)
      .where("key", "in", keys)
      .execute()
    for (const row of rows) found.set(row.key, secretRecordOf(row, keyring))
  }
  return found
}

const findSharedSecret = fixedStatement(
  (db, at: { readonly projectId: string; readonly folderId: string; readonly key: string }) =>
    db
      .selectFrom("secret")
      .selectAll()
      .where("project_id", "=", at.projectId)
      .where("folder_id", "=", at.folderId)
      .where("key", "=", at.key)
      .where("user_id", "is", null),
)

/** Shared secrets by id, as the transaction sees them; ids that are not in this folder are absent. */
export async function findSecretsById(
  db: Reader,
  keyring: Keyring,
  at: { readonly projectId: string; readonly folderId: string; readonly ids: readonly string[] },
): Promise<Map<string, SecretRecord>> {
  const found = new Map<string, SecretRecord>()
  for (const ids of chunksOf(at.ids)) {
    const rows = await db
      .selectFrom("secret")
      .selectAll()
      .where("project_id", "=", at.projectId)
      .where("folder_id", "=", at.folderId)
      .where("type", "=", "shared")
      .where("id", "in", ids)
      .execute()
    for (const row of rows) found.set(row.id, secretRecordOf(row, keyring))
  }
  return found
}

/** Every secret of these folders, whatever its type, by folder and key. */
export async function listSecretsInFolders(
  db: Reader,
  keyring: Keyring,
  at: { readonly projectId: string; readonly folderIds: readonly string[] },
): Promise<SecretRecord[]> {
  const found: SecretRecord[] = []
  for (const folderIds of chunksOf(at.folderIds)) {
    const rows = await db
      .selectFrom("secret")
      .selectAll()
      .where("project_id", "=", at.projectId)
      .where("folder_id", "in", folderIds)
      .orderBy("folder_id")
      .orderBy("key")
      .execute()
    for (const row of rows) found.push(secretRecordOf(row, keyring))
  }
  return found
}

/** What a secret is called and where it is: all that deleting it takes. */
export type SecretLabel = Pick<SecretRecord, "id" | "folderId" | "userId" | "key" | "version" | "tagIds">

/** Folders of one statement where each is a round trip; where a statement keeps the process, it is about one. */
const foldersPerRoundTrip = 100

/**
 * The labels of every secret of these folders, whatever its type, checked one by one as they are asked for.
 *
 * @throws AppError "unavailable" when a row was changed by someone other than Coffer
 */
export async function* walkLabels(
  db: Reader,
  keyring: Keyring,
  at: { readonly projectId: string; readonly folderIds: readonly string[] },
): AsyncGenerator<SecretLabel> {
  const step = isDirect(db) ? 1 : foldersPerRoundTrip
  for (let from = 0; from < at.folderIds.length; from += step) {
    const rows = await db
      .selectFrom("secret")
      .select(["id", "folder_id", "user_id", "key", "version", "revision", "tags", "row_mac"])
      .where("project_id", "=", at.projectId)
      .where("folder_id", "in", at.folderIds.slice(from, from + step))
      .execute()
    for (const row of rows) {
      requireOwnName(row, keyring)
      const { id, folder_id: folderId, user_id: userId, key, version, tags } = row
      yield { id, folderId, userId, key, version, tagIds: JSON.parse(tags) as string[] }
    }
  }
}

/** Writes new secrets and their first versions. */
export async function insertSecrets(db: Writer, rows: readonly SecretTable[]): Promise<void> {
  for (const chunk of chunksOf(rows)) {
    await db.insertInto("secret").values(chunk).execute()
    await insertVersions(db, chunk, "create")
  }
}

/** What a version says anew even when the secret stays where it is and keeps its name. */
function contentOf(row: SecretTable) {
  return {
    version: row.version,
    revision: row.revision,
    value_sealed: row.value_sealed,
    comment_sealed: row.comment_sealed,
    skip_multiline_encoding: row.skip_multiline_encoding,
    reminder_note: row.reminder_note,
    reminder_repeat_days: row.reminder_repeat_days,
    metadata: row.metadata,
    tags: row.tags,
    row_mac: row.row_mac,
    actor_type: row.actor_type,
    actor_id: row.actor_id,
    updated_at: row.updated_at,
  }
}

/** None of these columns has an index: SQLite writes those of every column that a statement names, changed or not. */
const updateInPlace = fixedPair(
  (db, row: SecretTable) =>
    db
      .updateTable("secret")
      .set(contentOf(row))
      .where("id", "=", row.id)
      .where("project_id", "=", row.project_id),
  insertOneVersion,
)

/**
 * Writes the next versions of secrets of a project that all stay where they are and keep their names, and makes them the
 * current ones.
 */
export async function updateSecretsInPlace(
  db: Writer,
  projectId: string,
  rows: readonly SecretTable[],
): Promise<void> {
  const [only] = rows
  if (only !== undefined && rows.length === 1) return await updateInPlace(db, only, versionOf(only, "update"))
  for (const chunk of chunksOf(rows)) {
    await insertVersions(db, chunk, "update")
    await makeCurrent(db, { projectId, rows: chunk, isElsewhere: false })
  }
}

/**
 * As {@link updateSecretsInPlace}, for secrets that go to other folders or environments, or get other names. Names may go
 * round among them.
 *
 * @param leaving ids of those whose old names others of them get
 */
export async function updateSecretsElsewhere(
  db: Writer,
  projectId: string,
  { rows, leaving = [] }: { readonly rows: readonly SecretTable[]; readonly leaving?: readonly string[] },
): Promise<void> {
  for (const ids of chunksOf(leaving)) await takeNamesAway(db, projectId, ids)
  for (const chunk of chunksOf(rows)) {
    await insertVersions(db, chunk, "update")
    await makeCurrent(db, { projectId, rows: chunk, isElsewhere: true })
  }
}

/** Until the write has given them others: no secret can be called like this, and no two statements meet over a name. */
async function takeNamesAway(db: Writer, projectId: string, ids: readonly string[]): Promise<void> {
  await db
    .updateTable("secret")
    .set({ key: sql<string>`'/' || id` })
    .where("id", "in", ids)
    .where("project_id", "=", projectId)
    .execute()
}

type Following = {
  readonly projectId: string
  readonly rows: readonly SecretTable[]
  readonly isElsewhere: boolean
}

/** Takes from the versions that follow the current ones what {@link contentOf} says anew, and place and name if they are others. */
async function makeCurrent(db: Writer, { projectId, rows, isElsewhere }: Following): Promise<void> {
  const ids = rows.map((row) => row.id)
  await db
    .updateTable("secret")
    .from("secret_version as next")
    .set((eb) => ({
      version: eb.ref("next.version"),
      revision: eb.ref("next.revision"),
      value_sealed: eb.ref("next.value_sealed").$notNull(),
      comment_sealed: eb.ref("next.comment_sealed"),
      skip_multiline_encoding: eb.ref("next.skip_multiline_encoding"),
      reminder_note: eb.ref("next.reminder_note"),
      reminder_repeat_days: eb.ref("next.reminder_repeat_days"),
      metadata: eb.ref("next.metadata"),
      tags: eb.ref("next.tags"),
      row_mac: eb.ref("next.row_mac"),
      actor_type: eb.ref("next.actor_type"),
      actor_id: eb.ref("next.actor_id"),
      updated_at: eb.ref("next.at"),
    }))
    .$if(isElsewhere, (query) =>
      query.set((eb) => ({
        environment_id: eb.ref("next.environment_id"),
        folder_id: eb.ref("next.folder_id"),
        key: eb.ref("next.key"),
      })),
    )
    .where("secret.id", "in", ids)
    .where("secret.project_id", "=", projectId)
    .whereRef("next.secret_id", "=", "secret.id")
    .where("next.version", "=", (eb) => eb("secret.version", "+", 1))
    .execute()
}

/**
 * Takes a tag off the current secrets of a project; their versions keep its id. One statement, however many they are: a
 * list of ids is JSON without spaces, from which the id goes with the comma after it, or else before it.
 */
export async function takeTagOffSecrets(db: Writer, projectId: string, tagId: string): Promise<void> {
  const id = JSON.stringify(tagId)
  const without = (part: string, list: Expression<string>) => sql<string>`replace(${list}, ${part}, '')`
  await db
    .updateTable("secret")
    .set((eb) => ({ tags: without(id, without(`,${id}`, without(`${id},`, eb.ref("tags")))) }))
    .where("project_id", "=", projectId)
    .where("tags", "like", `%${id}%`)
    .execute()
}

const insertVersion = fixedStatement(insertOneVersion)

function insertOneVersion(db: Reader, row: SecretVersionTable) {
  return db.insertInto("secret_version").values(row)
}

/** Appends versions; the current rows are the caller's. */
export async function insertVersions(
  db: Writer,
  rows: readonly SecretTable[],
  op: Exclude<VersionOperation, "delete">,
): Promise<void> {
  const versions = rows.map((row) => versionOf(row, op))
  const [only] = versions
  if (only !== undefined && versions.length === 1) await insertVersion(db, only)
  else await db.insertInto("secret_version").values(versions).execute()
}

function versionOf(row: SecretTable, op: Exclude<VersionOperation, "delete">): SecretVersionTable {
  return {
    secret_id: row.id,
    version: row.version,
    project_id: row.project_id,
    revision: row.revision,
    op,
    environment_id: row.environment_id,
    folder_id: row.folder_id,
    key: row.key,
    type: row.type,
    user_id: row.user_id,
    value_sealed: row.value_sealed,
    comment_sealed: row.comment_sealed,
    skip_multiline_encoding: row.skip_multiline_encoding,
    reminder_note: row.reminder_note,
    reminder_repeat_days: row.reminder_repeat_days,
    metadata: row.metadata,
    tags: row.tags,
    row_mac: row.row_mac,
    actor_type: row.actor_type,
    actor_id: row.actor_id,
    at: row.updated_at,
  }
}
