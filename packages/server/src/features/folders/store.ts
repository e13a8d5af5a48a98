/** The only file that writes the tables folder and folder_version. */
import { sql } from "kysely"
import type { FolderRecord } from "../../cache/index.ts"
import { chunksOf } from "../../db/chunks.ts"
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
      environment_id: folder.environmentId,
      parent_id: folder.parentId,
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

/** Takes folders that keep their parents and names to another environment. */
export async function moveToEnvironment(
  write: FolderWrite,
  environmentId: string,
  folderIds: readonly string[],
): Promise<void> {
  for (const ids of chunksOf(folderIds)) {
    await write.db
      .updateTable("folder")
      .set((eb) => ({
        environment_id: environmentId,
        version: eb("version", "+", 1),
        revision: write.revision,
        updated_at: write.now,
      }))
      .where("id", "in", ids)
      .where("project_id", "=", write.projectId)
      .execute()
    await insertVersionsOfCurrent(write, ids)
  }
}

/** Gives up the names of folders that get other ones, or go, later in this write: they may then swap them. */
export async function freeFolderNames(write: FolderWrite, folderIds: readonly string[]): Promise<void> {
  for (const ids of chunksOf(folderIds)) {
    await write.db
      .updateTable("folder")
      .set({ name: sql<string>`'~' || id` })
      .where("id", "in", ids)
      .where("project_id", "=", write.projectId)
      .execute()
  }
}

/** Removes folders, children before parents, and leaves tombstones. */
export async function removeFolders(write: FolderWrite, folders: readonly FolderRecord[]): Promise<void> {
  for (const chunk of chunksOf(folders.toReversed())) {
    const ids = chunk.map((folder) => folder.id)
    await write.db
      .deleteFrom("folder")
      .where("id", "in", ids)
      .where("project_id", "=", write.projectId)
      .execute()
  }
  const tombstones = folders.map((folder) => ({ ...folder, version: folder.version + 1 }))
  await insertFolderVersions(write, tombstones, "delete")
}

/** Appends what these folders now are to their history. */
async function insertVersionsOfCurrent(write: FolderWrite, folderIds: readonly string[]): Promise<void> {
  const { kind, id } = write.actor
  await write.db
    .insertInto("folder_version")
    .columns([
      "folder_id",
      "version",
      "project_id",
      "revision",
      "op",
      "environment_id",
      "parent_id",
      "name",
      "description",
      "actor_type",
      "actor_id",
      "at",
    ])
    .expression((eb) =>
      eb
        .selectFrom("folder")
        .select(["id", "version", "project_id", "revision"])
        .select(sql.val<VersionOperation>("update").as("op"))
        .select(["environment_id", "parent_id", "name", "description"])
        .select([sql.val(kind).as("actor_type"), sql.val(id).as("actor_id"), "updated_at"])
        .where("id", "in", folderIds)
        .where("project_id", "=", write.projectId),
    )
    .execute()
}

async function insertFolderVersions(
  write: FolderWrite,
  folders: readonly FolderRecord[],
  op: VersionOperation,
): Promise<void> {
  for (const chunk of chunksOf(folders)) {
    const versions = chunk.map((folder) => ({
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
    }))
    await write.db.insertInto("folder_version").values(versions).execute()
  }
}

/** When a secret of each folder last changed; folders without secrets are absent. */
export async function listLastChanges(
  db: Reader,
  of: { readonly projectId: string; readonly folderIds: readonly string[] },
): Promise<Map<string, number>> {
  const changes = new Map<string, number>()
  for (const folderIds of chunksOf(of.folderIds)) {
    const rows = await db
      .selectFrom("secret")
      .select((eb) => ["folder_id", eb.fn.max("updated_at").as("last")])
      .where("project_id", "=", of.projectId)
      .where("folder_id", "in", folderIds)
      .groupBy("folder_id")
      .execute()
    for (const row of rows) changes.set(row.folder_id, Number(row.last))
  }
  return changes
}

/** The project of a folder; `undefined` when there is no such folder. */
export async function findProjectOfFolder(db: Reader, folderId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom("folder as f")
    .innerJoin("project as p", "p.id", "f.project_id")
    .select("f.project_id")
    .where("f.id", "=", folderId)
    .where("p.is_hidden", "=", 0)
    .executeTakeFirst()
  return row?.project_id
}

export type FolderVersionEntry = {
  readonly folderId: string
  readonly projectId: string
  readonly version: number
  readonly name: string
  readonly description: string | null
  readonly environmentId: string
  readonly parentId: string | null
  readonly isDeleted: boolean
  readonly actorType: string
  readonly actorId: string
  readonly at: number
}

const maxVersions = 1_000

/** Versions of a folder, newest first; empty when there never was such a folder. */
export async function listFolderVersions(
  db: Reader,
  folderId: string,
): Promise<readonly FolderVersionEntry[]> {
  const rows = await db
    .selectFrom("folder_version as v")
    .innerJoin("project as p", "p.id", "v.project_id")
    .selectAll("v")
    .where("v.folder_id", "=", folderId)
    .where("p.is_hidden", "=", 0)
    .orderBy("v.version", "desc")
    .limit(maxVersions)
    .execute()
  return rows.map((row) => ({
    folderId: row.folder_id,
    projectId: row.project_id,
    version: row.version,
    name: row.name,
    description: row.description,
    environmentId: row.environment_id,
    parentId: row.parent_id,
    isDeleted: row.op === "delete",
    actorType: row.actor_type,
    actorId: row.actor_id,
    at: row.at,
  }))
}
