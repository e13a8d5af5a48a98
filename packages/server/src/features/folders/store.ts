/** The only file that writes the tables folder and folder_version. */
import type { FolderRecord } from "../../cache/index.ts"
import type { Reader } from "../../db/database.ts"
import type { VersionOperation } from "../../db/schema.ts"
import type { OrganizationWrite } from "../../use-case/index.ts"

/** Which write a folder's version belongs to. */
export type FolderWrite = Pick<OrganizationWrite, "db" | "actor" | "now"> & {
  readonly projectId: string
  readonly revision: number
}

export async function insertFolder(write: FolderWrite, folder: FolderRecord): Promise<void> {
  await write.db
    .insertInto("folder")
    .values({
      id: folder.id,
      project_id: write.projectId,
      environment_id: folder.environmentId,
      parent_id: folder.parentId,
      name: folder.name,
      description: folder.description,
      version: folder.version,
      revision: write.revision,
      created_at: folder.createdAt,
      updated_at: folder.updatedAt,
    })
    .execute()
  await insertFolderVersions(write, [folder], "create")
}

export async function updateFolder(write: FolderWrite, folder: FolderRecord): Promise<void> {
  await write.db
    .updateTable("folder")
    .set({
      name: folder.name,
      description: folder.description,
      version: folder.version,
      revision: write.revision,
      updated_at: folder.updatedAt,
    })
    .where("id", "=", folder.id)
    .where("project_id", "=", write.projectId)
    .execute()
  await insertFolderVersions(write, [folder], "update")
}

/** Removes folders, children before parents, and leaves tombstones. */
export async function removeFolders(write: FolderWrite, folders: readonly FolderRecord[]): Promise<void> {
  for (const folder of [...folders].reverse()) {
    await write.db
      .deleteFrom("folder")
      .where("id", "=", folder.id)
      .where("project_id", "=", write.projectId)
      .execute()
  }
  const tombstones = folders.map((folder) => ({ ...folder, version: folder.version + 1 }))
  await insertFolderVersions(write, tombstones, "delete")
}

async function insertFolderVersions(
  write: FolderWrite,
  folders: readonly FolderRecord[],
  op: VersionOperation,
): Promise<void> {
  if (folders.length === 0) return
  await write.db
    .insertInto("folder_version")
    .values(
      folders.map((folder) => ({
        folder_id: folder.id,
        version: folder.version,
        project_id: write.projectId,
        revision: write.revision,
        op,
        environment_id: folder.environmentId,
        parent_id: folder.parentId,
        name: folder.name,
        description: folder.description,
        actor_type: write.actor.kind,
        actor_id: write.actor.id,
        at: write.now,
      })),
    )
    .execute()
}

/** When a secret of each folder last changed; folders without secrets are absent. */
export async function listLastChanges(
  db: Reader,
  of: { readonly projectId: string; readonly folderIds: readonly string[] },
): Promise<Map<string, number>> {
  if (of.folderIds.length === 0) return new Map()
  const rows = await db
    .selectFrom("secret")
    .select((eb) => ["folder_id", eb.fn.max("updated_at").as("last")])
    .where("project_id", "=", of.projectId)
    .where("folder_id", "in", of.folderIds)
    .groupBy("folder_id")
    .execute()
  return new Map(rows.map((row) => [row.folder_id, Number(row.last)]))
}

/** The project of a folder; `undefined` when there is no such folder. */
export async function findProjectOfFolder(db: Reader, folderId: string): Promise<string | undefined> {
  const row = await db.selectFrom("folder").select("project_id").where("id", "=", folderId).executeTakeFirst()
  return row?.project_id
}
