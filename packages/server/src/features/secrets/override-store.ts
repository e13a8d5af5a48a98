/** Reads the overrides: what people put in the place of shared secrets for themselves. */
import { type SecretRecord, secretRecordOf } from "../../cache/index.ts"
import { chunksOf } from "../../db/chunks.ts"
import type { Reader } from "../../db/database.ts"
import type { Keyring } from "../../keyring/keyring.ts"

/** Everybody's overrides of these keys of a folder. */
export async function listOverrides(
  db: Reader,
  keyring: Keyring,
  at: { readonly projectId: string; readonly folderId: string; readonly keys: readonly string[] },
): Promise<SecretRecord[]> {
  const found: SecretRecord[] = []
  for (const keys of chunksOf(at.keys)) {
    const rows = await db
      .selectFrom("secret")
      .selectAll()
      .where("project_id", "=", at.projectId)
      .where("folder_id", "=", at.folderId)
      .where("type", "=", "personal")
      .where("key", "in", keys)
      .execute()
    for (const row of rows) found.push(secretRecordOf(row, keyring))
  }
  return found
}

/** One user's overrides in these folders. */
export async function listOverridesOf(
  db: Reader,
  keyring: Keyring,
  at: { readonly projectId: string; readonly folderIds: readonly string[]; readonly userId: string },
): Promise<SecretRecord[]> {
  const found: SecretRecord[] = []
  for (const folderIds of chunksOf(at.folderIds)) {
    const rows = await db
      .selectFrom("secret")
      .selectAll()
      .where("project_id", "=", at.projectId)
      .where("user_id", "=", at.userId)
      .where("folder_id", "in", folderIds)
      .execute()
    for (const row of rows) found.push(secretRecordOf(row, keyring))
  }
  return found
}
