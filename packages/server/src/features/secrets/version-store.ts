/** Reads the versions of one secret. */
import { type SecretRecord, secretRecordOf } from "../../cache/index.ts"
import type { Reader } from "../../db/database.ts"
import type { VersionOperation } from "../../db/schema.ts"
import type { Keyring } from "../../keyring/keyring.ts"

/** One version that holds a value; `undefined` when there is none. */
export async function findVersion(
  db: Reader,
  keyring: Keyring,
  secret: SecretRecord,
  version: number,
): Promise<SecretRecord | undefined> {
  const row = await db
    .selectFrom("secret_version")
    .selectAll()
    .where("secret_id", "=", secret.id)
    .where("project_id", "=", secret.projectId)
    .where("version", "=", version)
    .where("op", "!=", "delete")
    .executeTakeFirst()
  if (row === undefined || row.value_sealed === null) return undefined
  const { secret_id, value_sealed, at, op: _op, ...rest } = row
  const asRow = { ...rest, id: secret_id, value_sealed, created_at: secret.createdAt, updated_at: at }
  return secretRecordOf(asRow, keyring)
}

export type VersionEntry = {
  readonly secretId: string
  readonly version: number
  readonly key: string
  readonly type: "shared" | "personal"
  readonly op: VersionOperation
  readonly actorType: string
  readonly actorId: string
  readonly at: number
}

/** Whose history it is: the project and the owner of a secret, also of one that was deleted; `undefined` when there never was one. */
export async function findHistoryOfSecret(db: Reader, secretId: string): Promise<SecretHistory | undefined> {
  const row = await db
    .selectFrom("secret_version as v")
    .innerJoin("project as p", "p.id", "v.project_id")
    .select([
      "v.project_id as projectId",
      "v.user_id as userId",
      "v.folder_id as folderId",
      "v.key",
      "v.tags",
    ])
    .where("v.secret_id", "=", secretId)
    .where("p.is_hidden", "=", 0)
    .orderBy("v.version", "desc")
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { tags, ...rest } = row
  return { ...rest, tagIds: JSON.parse(tags) as string[] }
}

/** Whose secret it is, and where it is or was last. */
export type SecretHistory = {
  readonly projectId: string
  readonly userId: string | null
  readonly folderId: string
  readonly key: string
  readonly tagIds: readonly string[]
}

/** Versions of a secret, newest first, without values. */
export async function listVersions(
  db: Reader,
  of: { readonly projectId: string; readonly secretId: string },
  page: { readonly offset: number; readonly limit: number },
): Promise<VersionEntry[]> {
  const rows = await db
    .selectFrom("secret_version")
    .select(["secret_id", "version", "key", "type", "op", "actor_type", "actor_id", "at"])
    .where("project_id", "=", of.projectId)
    .where("secret_id", "=", of.secretId)
    .orderBy("version", "desc")
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  return rows.map((row) => ({
    secretId: row.secret_id,
    version: row.version,
    key: row.key,
    type: row.type,
    op: row.op,
    actorType: row.actor_type,
    actorId: row.actor_id,
    at: row.at,
  }))
}
