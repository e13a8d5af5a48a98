import type { Session } from "../../actor.ts"
import {
  type EnvironmentRecord,
  type FolderRecord,
  findFolder,
  type ImportRecord,
  type ProjectStructure,
} from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { answerRead, type ProjectWrite, type ReadDeps, writeInProject } from "../../use-case/index.ts"
import { type Action, authorize } from "../authorization/index.ts"
import { projectForRead, requireEnvironment, requireFolder } from "../project-access/index.ts"
import { arrange, renumber, requireImportable } from "./domain.ts"
import { findProjectOfImport, insertImport, removeImports, updateImports } from "./store.ts"

/** The folder that imports. */
export type ImportPlace = {
  readonly projectId: string
  readonly environment: string
  readonly path: string
}

/** An import with the environments that its answer names. */
export type ShownImport = {
  readonly record: ImportRecord
  readonly importEnvironment: EnvironmentRecord
}

/**
 * Lets a folder import another one, behind the imports it has.
 *
 * @throws AppError "not-found" when either folder is missing, "invalid" for itself and for what it imports already,
 * "forbidden" without the right to create imports here and to read the source
 */
export async function createImport(
  deps: ReadDeps,
  session: Session,
  input: ImportPlace & {
    readonly source: { readonly environment: string; readonly path: string }
    readonly isReplication: boolean
  },
): Promise<ShownImport> {
  return await atImporter(deps, session, { ...input, action: "create" }, async (desk) => {
    const { write, folder, imports } = desk
    const source = requireSource(write, input.source.environment, input.source.path)
    requireImportable(folder, source.folder, imports)
    const record: ImportRecord = {
      id: deps.random.uuid(),
      folderId: folder.id,
      importEnvironmentId: source.environment.id,
      importPath: source.folder.path,
      position: imports.length + 1,
      isReplication: input.isReplication,
      version: 1,
      createdAt: write.now,
      updatedAt: write.now,
    }
    await insertImport(write, record)
    write.audit("create-secret-import", aboutImport(desk, record, source.environment))
    recordMutation(write, folder)
    return { record, importEnvironment: source.environment }
  })
}

/**
 * Points an import elsewhere, or moves it in the order.
 *
 * @throws AppError as {@link createImport}; "not-found" when the folder has no such import
 */
export async function changeImport(
  deps: ReadDeps,
  session: Session,
  input: ImportPlace & {
    readonly importId: string
    readonly source: { readonly environment?: string | undefined; readonly path?: string | undefined }
    readonly position: number | undefined
  },
): Promise<ShownImport> {
  return await atImporter(deps, session, { ...input, action: "edit" }, async (desk) => {
    const { write, folder, imports } = desk
    const old = requireImport(imports, input.importId)
    const from = environmentOf(write.structure, old.importEnvironmentId)
    const { environment = from.slug, path = old.importPath } = input.source
    const isElsewhere = environment !== from.slug || path !== old.importPath
    const source = isElsewhere
      ? requireSource(write, environment, path)
      : { environment: from, folder: undefined }
    const others = imports.filter((one) => one.id !== old.id)
    if (source.folder !== undefined) requireImportable(folder, source.folder, others)
    const moved = { ...old, importEnvironmentId: source.environment.id, importPath: path }
    const arranged = arrange(imports, moved, input.position ?? old.position)
    const changed = await writeChanged(write, imports, arranged)
    const record = changed.find((one) => one.id === old.id) ?? old
    write.audit("update-secret-import", {
      ...aboutImport(desk, record, source.environment),
      oldImportFromEnvironment: from.slug,
      oldImportFromSecretPath: old.importPath,
      oldPosition: old.position,
    })
    recordMutation(write, folder)
    return { record, importEnvironment: source.environment }
  })
}

/** @throws AppError "not-found" when the folder has no such import */
export async function deleteImport(
  deps: ReadDeps,
  session: Session,
  input: ImportPlace & { readonly importId: string },
): Promise<ShownImport> {
  return await atImporter(deps, session, { ...input, action: "delete" }, async (desk) => {
    const { write, folder, imports } = desk
    const record = requireImport(imports, input.importId)
    const importEnvironment = environmentOf(write.structure, record.importEnvironmentId)
    await removeImports(write, [record])
    const kept = imports.filter((one) => one.id !== record.id)
    await writeChanged(write, kept, renumber(kept))
    write.audit("delete-secret-import", aboutImport(desk, record, importEnvironment))
    recordMutation(write, folder)
    return { record, importEnvironment }
  })
}

/** The imports of a folder in their order; a missing folder has none. */
export async function listImports(
  deps: ReadDeps,
  session: Session,
  input: ImportPlace,
): Promise<readonly ShownImport[]> {
  return await answerRead(deps, session, async (scope) => {
    const { structure } = await projectForRead(scope, { kind: "id", id: input.projectId })
    const environment = requireEnvironment(structure, input.environment)
    const resource = { environment: environment.slug, secretPath: input.path }
    const at = { projectId: input.projectId, now: scope.now, resource }
    authorize(scope.session.actor, "read", "secret-imports", at)
    const folder = findFolder(structure, environment.id, input.path)
    const records = folder === undefined ? [] : (structure.imports.get(folder.id) ?? [])
    scope.audit("get-secret-imports", input.projectId, {
      environment: environment.slug,
      secretPath: input.path,
      numberOfImports: records.length,
    })
    return records.map((record) => ({
      record,
      importEnvironment: environmentOf(structure, record.importEnvironmentId),
    }))
  })
}

/** One import by its id, with the place it is in. */
export async function getImport(
  deps: ReadDeps,
  session: Session,
  importId: string,
): Promise<
  ShownImport & {
    readonly projectId: string
    readonly environment: EnvironmentRecord
    readonly folder: FolderRecord
  }
> {
  return await answerRead(deps, session, async (scope) => {
    const projectId = await findProjectOfImport(scope.reader, importId)
    if (projectId === undefined) throw importNotFound(importId)
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    const record = [...structure.imports.values()].flat().find((one) => one.id === importId)
    const folder = structure.folders.get(record?.folderId ?? "")
    if (record === undefined || folder === undefined) throw importNotFound(importId)
    const environment = environmentOf(structure, folder.environmentId)
    const importEnvironment = environmentOf(structure, record.importEnvironmentId)
    const resource = { environment: environment.slug, secretPath: folder.path }
    authorize(scope.session.actor, "read", "secret-imports", { projectId, now: scope.now, resource })
    scope.audit(
      "get-secret-import",
      projectId,
      aboutImport({ environment, folder }, record, importEnvironment),
    )
    return { record, importEnvironment, projectId, environment, folder }
  })
}

/**
 * Leaves tombstones for the imports of folders that are deleted, and, when a whole environment is, for those that show
 * something of it. The caller has authorised and records the change.
 *
 * @returns how many there were
 */
export async function removeImportsOf(
  write: ProjectWrite,
  gone: { readonly folderIds: readonly string[]; readonly environmentId?: string | undefined },
): Promise<number> {
  const folderIds = new Set(gone.folderIds)
  let removed = 0
  for (const [folderId, imports] of write.structure.imports) {
    const isGone = folderIds.has(folderId)
    const leaving = imports.filter((one) => isGone || one.importEnvironmentId === gone.environmentId)
    if (leaving.length === 0) continue
    await removeImports(write, leaving)
    removed += leaving.length
    if (isGone) continue
    const kept = imports.filter((one) => !leaving.includes(one))
    await writeChanged(write, kept, renumber(kept))
    const folder = write.structure.folders.get(folderId)
    if (folder !== undefined) recordMutation(write, folder)
  }
  return removed
}

/** Imports follow a folder that is renamed or moved inside its project. The caller has authorised the move. */
export async function followMovedFolder(
  write: ProjectWrite,
  move: {
    readonly from: { readonly environmentId: string; readonly path: string }
    readonly to: { readonly environmentId: string; readonly path: string }
  },
): Promise<void> {
  const { from, to } = move
  for (const [folderId, imports] of write.structure.imports) {
    const moved = imports.map((one): ImportRecord => {
      const isInside = one.importPath === from.path || one.importPath.startsWith(`${from.path}/`)
      if (one.importEnvironmentId !== from.environmentId || !isInside) return one
      const importPath = to.path + one.importPath.slice(from.path.length)
      return { ...one, importEnvironmentId: to.environmentId, importPath }
    })
    const changed = await writeChanged(write, imports, moved)
    const folder = write.structure.folders.get(folderId)
    if (changed.length > 0 && folder !== undefined) recordMutation(write, folder)
  }
}

/** What a change of a folder's imports works with. */
type Desk = {
  readonly write: ProjectWrite
  readonly environment: EnvironmentRecord
  readonly folder: FolderRecord
  readonly imports: readonly ImportRecord[]
}

async function atImporter<T>(
  deps: ReadDeps,
  session: Session,
  input: ImportPlace & { readonly action: Action },
  work: (desk: Desk) => Promise<T>,
): Promise<T> {
  const { projectId } = input
  return await writeInProject(deps, session, projectId, async (write) => {
    const resource = { environment: input.environment, secretPath: input.path }
    authorize(write.actor, input.action, "secret-imports", { projectId, now: write.now, resource })
    const environment = requireEnvironment(write.structure, input.environment)
    const folder = requireFolder(write.structure, environment, input.path)
    return await work({ write, environment, folder, imports: write.structure.imports.get(folder.id) ?? [] })
  })
}

/** A folder that exists and whose values the actor may read. */
function requireSource(
  write: ProjectWrite,
  slug: string,
  path: string,
): { readonly environment: EnvironmentRecord; readonly folder: FolderRecord } {
  const resource = { environment: slug, secretPath: path }
  authorize(write.actor, "readValue", "secrets", { projectId: write.projectId, now: write.now, resource })
  const environment = requireEnvironment(write.structure, slug)
  return { environment, folder: requireFolder(write.structure, environment, path) }
}

/** Writes the next version of each import that is not as it was. */
async function writeChanged(
  write: ProjectWrite,
  before: readonly ImportRecord[],
  after: readonly ImportRecord[],
): Promise<readonly ImportRecord[]> {
  const changed = after
    .filter((one) => !before.includes(one))
    .filter((one) => !before.some((old) => isSame(old, one)))
    .map((one) => ({ ...one, version: one.version + 1, updatedAt: write.now }))
  await updateImports(write, changed)
  return changed
}

function isSame(left: ImportRecord, right: ImportRecord): boolean {
  return (
    left.id === right.id &&
    left.importEnvironmentId === right.importEnvironmentId &&
    left.importPath === right.importPath &&
    left.position === right.position
  )
}

function aboutImport(
  importer: Pick<Desk, "environment" | "folder">,
  record: ImportRecord,
  importEnvironment: EnvironmentRecord,
) {
  return {
    secretImportId: record.id,
    importFromEnvironment: importEnvironment.slug,
    importFromSecretPath: record.importPath,
    importToEnvironment: importer.environment.slug,
    importToSecretPath: importer.folder.path,
    position: record.position,
  }
}

function recordMutation(write: ProjectWrite, folder: FolderRecord): void {
  write.change({
    kind: "secret:import-mutation",
    environmentId: folder.environmentId,
    folderId: folder.id,
    path: folder.path,
  })
}

function requireImport(imports: readonly ImportRecord[], importId: string): ImportRecord {
  const record = imports.find((one) => one.id === importId)
  if (record === undefined) throw importNotFound(importId)
  return record
}

function environmentOf(structure: ProjectStructure, id: string): EnvironmentRecord {
  const environment = structure.environments.find((one) => one.id === id)
  if (environment !== undefined) return environment
  throw new AppError("not-found", "NotFound", `Environment with ID '${id}' not found`)
}

function importNotFound(importId: string): AppError {
  return new AppError("not-found", "NotFound", `Secret import with ID '${importId}' not found`)
}
