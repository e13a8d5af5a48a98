/** Versions of one secret; takes values out of old ones. */
import { type SecretRecord, secretRecordOf } from "../../cache/index.ts"
import type { Reader, Writer } from "../../db/database.ts"
import type { VersionOperation } from "../../db/schema.ts"
import type { Keyring } from "../../keyring/keyring.ts"

export type StoredVersion = {
  readonly secretId: string
  readonly version: number
  readonly revision: number
  readonly op: VersionOperation
  readonly key: string
  readonly folderId: string
  readonly userId: string | null
  readonly tagIds: readonly string[]
  readonly actorType: string
  readonly actorId: string
  readonly at: number
  /** `undefined` for a deletion, and when the value was redacted. */
  readonly record: SecretRecord | undefined
}

type Page = { readonly offset: number; readonly limit: number }

/** Newest first. */
export async function listStoredVersions(
  db: Reader,
  keyring: Keyring,
  of: { readonly projectId: string; readonly secretId: string },
  page: Page,
): Promise<readonly StoredVersion[]> {
  const rows = await db
    .selectFrom("secret_version")
    .selectAll()
    .where("project_id", "=", of.projectId)
    .where("secret_id", "=", of.secretId)
    .orderBy("version", "desc")
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  return rows.map((row) => {
    const { secret_id: id, value_sealed, at, op, ...rest } = row
    const isOpenable = op !== "delete" && value_sealed !== null
    return {
      secretId: id,
      version: row.version,
      revision: row.revision,
      op,
      key: row.key,
      folderId: row.folder_id,
      userId: row.user_id,
      tagIds: JSON.parse(row.tags) as string[],
      actorType: row.actor_type,
      actorId: row.actor_id,
      at,
      record: isOpenable
        ? secretRecordOf({ ...rest, id, value_sealed, created_at: at, updated_at: at }, keyring)
        : undefined,
    }
  })
}

export async function countVersions(
  db: Reader,
  of: { readonly projectId: string; readonly secretId: string },
): Promise<number> {
  const row = await db
    .selectFrom("secret_version")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("project_id", "=", of.projectId)
    .where("secret_id", "=", of.secretId)
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}

/** Takes value, comment and metadata out of a version for good; who wrote it and when remains. */
export async function redactVersion(
  db: Writer,
  of: { readonly projectId: string; readonly secretId: string; readonly version: number },
): Promise<void> {
  await db
    .updateTable("secret_version")
    .set({ value_sealed: null, comment_sealed: null, metadata: "[]", reminder_note: null })
    .where("project_id", "=", of.projectId)
    .where("secret_id", "=", of.secretId)
    .where("version", "=", of.version)
    .execute()
}
