import type { Reader } from "../db/database.ts"

/** One import of a folder: it shows the secrets of another folder of the project as its own. */
export type ImportRecord = {
  readonly id: string
  /** The folder that imports. */
  readonly folderId: string
  readonly importEnvironmentId: string
  /** Where the imported folder is, or was: it may be missing. */
  readonly importPath: string
  /** From 1, without gaps. */
  readonly position: number
  readonly isReplication: boolean
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** The imports of every folder of a project that has any, in the order of their positions. */
export async function loadImports(
  reader: Reader,
  projectId: string,
): Promise<ReadonlyMap<string, readonly ImportRecord[]>> {
  const rows = await reader
    .selectFrom("secret_import")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("position")
    .orderBy("id")
    .execute()
  const imports = rows.map(
    (row): ImportRecord => ({
      id: row.id,
      folderId: row.folder_id,
      importEnvironmentId: row.import_environment_id,
      importPath: row.import_path,
      position: row.position,
      isReplication: row.is_replication === 1,
      version: row.version,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }),
  )
  return Map.groupBy(imports, (one) => one.folderId)
}
