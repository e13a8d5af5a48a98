/**
 * The skeleton of a project: itself, its environments, its folder tree, imports and tags. Small, so it is loaded whole;
 * secrets are not part of it.
 */
import type { Reader } from "../db/database.ts"
import type { TagTable } from "../db/schema.ts"
import { type ImportRecord, loadImports } from "./folder-imports.ts"

export type ProjectRecord = {
  readonly id: string
  readonly orgId: string
  readonly name: string
  readonly slug: string
  readonly description: string | null
  readonly revision: number
  /** The newest revision that changed more than secrets: while it stays, so does everything here but `revision`. */
  readonly structureRevision: number
  readonly autoCapitalization: boolean
  readonly hasDeleteProtection: boolean
  readonly versionLimit: number | null
  readonly auditRetentionDays: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

export type EnvironmentRecord = {
  readonly id: string
  readonly name: string
  readonly slug: string
  readonly position: number
  readonly createdAt: number
  readonly updatedAt: number
}

export type FolderRecord = {
  readonly id: string
  readonly environmentId: string
  readonly parentId: string | null
  readonly name: string
  readonly description: string | null
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
  /** From the root of its environment: `/` or `/a/b`. */
  readonly path: string
}

export type TagRecord = {
  readonly id: string
  readonly slug: string
  readonly color: string | null
  readonly createdBy: string
  readonly createdAt: number
  readonly updatedAt: number
}

export type ProjectStructure = {
  readonly project: ProjectRecord
  /** In the order of their positions. */
  readonly environments: readonly EnvironmentRecord[]
  readonly folders: ReadonlyMap<string, FolderRecord>
  /** Keyed by {@link folderPlace}. */
  readonly foldersByPlace: ReadonlyMap<string, FolderRecord>
  readonly tags: ReadonlyMap<string, TagRecord>
  /** By the folder that imports, in the order of their positions. */
  readonly imports: ReadonlyMap<string, readonly ImportRecord[]>
}

/** The key of a folder in `foldersByPlace`. */
export function folderPlace(environmentId: string, path: string): string {
  return `${environmentId}:${path}`
}

export function findEnvironment(structure: ProjectStructure, slug: string): EnvironmentRecord | undefined {
  return structure.environments.find((environment) => environment.slug === slug)
}

export function findFolder(
  structure: ProjectStructure,
  environmentId: string,
  path: string,
): FolderRecord | undefined {
  return structure.foldersByPlace.get(folderPlace(environmentId, path))
}

/** The folder and everything below it, parents before children, by path. */
export function folderWithDescendants(structure: ProjectStructure, top: FolderRecord): FolderRecord[] {
  const below = top.path === "/" ? "/" : `${top.path}/`
  return [...structure.folders.values()]
    .filter((folder) => folder.environmentId === top.environmentId)
    .filter((folder) => folder.id === top.id || folder.path.startsWith(below))
    .sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0))
}

/**
 * Reads the revision first: what follows is never older than it. `undefined` when there is no such project, or it is
 * hidden.
 */
export async function loadStructure(
  reader: Reader,
  projectId: string,
): Promise<ProjectStructure | undefined> {
  const row = await reader
    .selectFrom("project")
    .selectAll()
    .where("id", "=", projectId)
    .where("is_hidden", "=", 0)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const project: ProjectRecord = {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    slug: row.slug,
    description: row.description,
    revision: row.revision,
    structureRevision: row.structure_revision,
    autoCapitalization: row.auto_capitalization === 1,
    hasDeleteProtection: row.has_delete_protection === 1,
    versionLimit: row.version_limit,
    auditRetentionDays: row.audit_retention_days,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
  const environments = await loadEnvironments(reader, projectId)
  const folders = await loadFolders(reader, projectId)
  const byPlace = [...folders.values()].map(
    (folder) => [folderPlace(folder.environmentId, folder.path), folder] as const,
  )
  return {
    project,
    environments,
    folders,
    foldersByPlace: new Map(byPlace),
    tags: await loadTags(reader, projectId),
    imports: await loadImports(reader, projectId),
  }
}

async function loadEnvironments(reader: Reader, projectId: string): Promise<EnvironmentRecord[]> {
  const rows = await reader
    .selectFrom("environment")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("position")
    .orderBy("slug")
    .execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    slug: row.slug,
    position: row.position,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }))
}

async function loadFolders(reader: Reader, projectId: string): Promise<Map<string, FolderRecord>> {
  const rows = await reader.selectFrom("folder").selectAll().where("project_id", "=", projectId).execute()
  const pathless = new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        environmentId: row.environment_id,
        parentId: row.parent_id,
        name: row.name,
        description: row.description,
        version: row.version,
        createdAt: row.created_at,
        updatedAt: row.updated_at,
      },
    ]),
  )
  const folders = new Map<string, FolderRecord>()
  for (const folder of pathless.values()) {
    folders.set(folder.id, { ...folder, path: pathOf(folder, pathless) })
  }
  return folders
}

type Pathless = Omit<FolderRecord, "path">

function pathOf(folder: Pathless, folders: ReadonlyMap<string, Pathless>): string {
  const names: string[] = []
  let current: Pathless | undefined = folder
  while (current !== undefined && current.parentId !== null && names.length <= folders.size) {
    names.unshift(current.name)
    current = folders.get(current.parentId)
  }
  return `/${names.join("/")}`
}

async function loadTags(reader: Reader, projectId: string): Promise<Map<string, TagRecord>> {
  const rows = await reader.selectFrom("tag").selectAll().where("project_id", "=", projectId).execute()
  return new Map(rows.map((row) => [row.id, tagOf(row)]))
}

function tagOf(row: TagTable): TagRecord {
  return {
    id: row.id,
    slug: row.slug,
    color: row.color,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
