/** The only file that writes the tables secret_import and secret_import_version. */
import type { ImportRecord } from "../../cache/index.ts"
import { chunksOf } from "../../db/chunks.ts"
import type { Reader } from "../../db/database.ts"
import type { VersionOperation } from "../../db/schema.ts"
import type { OrganizationWrite } from "../../use-case/index.ts"

/** Which write a version belongs to. */
export type ImportWrite = Pick<OrganizationWrite, "db" | "actor" | "now"> & {
  readonly projectId: string
  readonly revision: number
}

export async function insertImport(write: ImportWrite, record: ImportRecord): Promise<void> {
  await write.db
    .insertInto("secret_import")
    .values({
      id: record.id,
      project_id: write.projectId,
      folder_id: record.folderId,
      import_environment_id: record.importEnvironmentId,
      import_path: record.importPath,
      position: record.position,
      is_replication: record.isReplication ? 1 : 0,
      version: record.version,
      revision: write.revision,
      created_at: record.createdAt,
      updated_at: record.updatedAt,
    })
    .execute()
  await insertVersions(write, [record], "create")
}

/** Makes these the current ones; they carry their next versions. */
export async function updateImports(write: ImportWrite, records: readonly ImportRecord[]): Promise<void> {
  for (const record of records) {
    await write.db
      .updateTable("secret_import")
      .set({
        import_environment_id: record.importEnvironmentId,
        import_path: record.importPath,
        position: record.position,
        version: record.version,
        revision: write.revision,
        updated_at: record.updatedAt,
      })
      .where("id", "=", record.id)
      .where("project_id", "=", write.projectId)
      .execute()
  }
  await insertVersions(write, records, "update")
}

/** Removes imports and leaves tombstones. */
export async function removeImports(write: ImportWrite, records: readonly ImportRecord[]): Promise<void> {
  for (const record of records) {
    await write.db
      .deleteFrom("secret_import")
      .where("id", "=", record.id)
      .where("project_id", "=", write.projectId)
      .execute()
  }
  const tombstones = records.map((record) => ({ ...record, version: record.version + 1 }))
  await insertVersions(write, tombstones, "delete")
}

async function insertVersions(
  write: ImportWrite,
  records: readonly ImportRecord[],
  op: VersionOperation,
): Promise<void> {
  for (const chunk of chunksOf(records)) {
    await write.db
      .insertInto("secret_import_version")
      .values(
        chunk.map((record) => ({
          import_id: record.id,
          version: record.version,
          project_id: write.projectId,
          revision: write.revision,
          op,
          folder_id: record.folderId,
          import_environment_id: record.importEnvironmentId,
          import_path: record.importPath,
          position: record.position,
          is_replication: record.isReplication ? 1 : 0,
          actor_type: write.actor.kind,
          actor_id: write.actor.id,
          at: write.now,
        })),
      )
      .execute()
  }
}

/** The project of an import; `undefined` when there is no such import. */
export async function findProjectOfImport(db: Reader, importId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom("secret_import as i")
    .innerJoin("project as p", "p.id", "i.project_id")
    .select("i.project_id")
    .where("i.id", "=", importId)
    .where("p.is_hidden", "=", 0)
    .executeTakeFirst()
  return row?.project_id
}
