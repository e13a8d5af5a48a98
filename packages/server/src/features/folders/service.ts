import type { Session } from "../../actor.ts"
import {
  type EnvironmentRecord,
  type FolderRecord,
  findFolder,
  folderWithDescendants,
  type ProjectStructure,
} from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import {
  answerRead,
  type OrganizationWrite,
  type ProjectWrite,
  writeInProject,
} from "../../use-case/index.ts"
import { authorize } from "../authorization/index.ts"
import { projectForRead, requireEnvironment, requireFolder } from "../project-access/index.ts"
import { followMovedFolder, removeImportsOf } from "../secret-imports/index.ts"
import { listSecretsInFolders, removeRecords, type SecretsDeps } from "../secrets/index.ts"
import {
  type FolderWrite,
  findProjectOfFolder,
  insertFolder,
  listLastChanges,
  removeFolders,
  updateFolder,
} from "./store.ts"

export type FoldersDeps = SecretsDeps

/** Where a folder is, or shall be: below `path`. */
export type FolderPlace = {
  readonly projectId: string
  readonly environment: string
  readonly path: string
}

export type ListedFolder = { readonly folder: FolderRecord; readonly lastSecretModified: number | null }

/** Creates a folder and whatever is missing above it; an existing one is returned as it is. */
export async function createFolder(
  deps: FoldersDeps,
  session: Session,
  input: FolderPlace & { readonly name: string; readonly description: string | null },
): Promise<FolderRecord> {
  return await writeInProject(deps, session, input.projectId, async (write) => {
    authorize(write.actor, "create", "secret-folders", { projectId: input.projectId, now: write.now })
    const environment = requireEnvironment(write.structure, input.environment)
    const names = [...namesOf(input.path), input.name]
    for (const name of names) requireFolderName(name)
    let current = requireFolder(write.structure, environment, "/")
    for (const [index, name] of names.entries()) {
      const path = childPath(current.path, name)
      const known = findFolder(write.structure, environment.id, path)
      const description = index === names.length - 1 ? input.description : null
      current = known ?? (await addFolder(deps, write, { parent: current, name, path, description }))
      if (known === undefined) recordFolder(write, environment, current, "create-folder")
    }
    return current
  })
}

/** Renames or describes a folder, which is named by id or by name below `path`. */
export async function changeFolder(
  deps: FoldersDeps,
  session: Session,
  input: FolderPlace & {
    readonly idOrName: string
    readonly name: string
    readonly description: string | null | undefined
  },
): Promise<FolderRecord> {
  return await writeInProject(deps, session, input.projectId, async (write) => {
    authorize(write.actor, "edit", "secret-folders", { projectId: input.projectId, now: write.now })
    const environment = requireEnvironment(write.structure, input.environment)
    const folder = folderBelow(write.structure, environment, input.path, input.idOrName)
    const parentPath = folder.path.slice(0, folder.path.lastIndexOf("/")) || "/"
    const path = childPath(parentPath, input.name)
    const taken = findFolder(write.structure, environment.id, path)
    if (taken !== undefined && taken.id !== folder.id) {
      throw new AppError("invalid", "UpdateFolder", "Folder with specified name already exists")
    }
    const changed: FolderRecord = {
      ...folder,
      name: input.name,
      path,
      description: input.description === undefined ? folder.description : input.description,
      version: folder.version + 1,
      updatedAt: write.now,
    }
    await updateFolder(write, changed)
    const { environmentId } = folder
    await followMovedFolder(write, {
      from: { environmentId, path: folder.path },
      to: { environmentId, path },
    })
    recordFolder(write, environment, changed, "update-folder", folder.name)
    return changed
  })
}

/** Deletes a folder with everything below it; without `force` only an empty one. */
export async function deleteFolder(
  deps: FoldersDeps,
  session: Session,
  input: FolderPlace & { readonly idOrName: string; readonly force: boolean },
): Promise<FolderRecord> {
  return await writeInProject(deps, session, input.projectId, async (write) => {
    authorize(write.actor, "delete", "secret-folders", { projectId: input.projectId, now: write.now })
    const environment = requireEnvironment(write.structure, input.environment)
    const folder = folderBelow(write.structure, environment, input.path, input.idOrName)
    const folders = folderWithDescendants(write.structure, folder)
    const isEmpty = await removeContents(deps, write, folders)
    if (!input.force && (!isEmpty || folders.length > 1)) {
      throw new AppError(
        "invalid",
        "DeleteFolder",
        `Folder '${folder.name}' is not empty; pass forceDelete to delete what it holds`,
      )
    }
    await removeFolders(write, folders)
    recordFolder(write, environment, folder, "delete-folder")
    return folder
  })
}

/** Deletes every folder of an environment with what it holds; the caller has authorised it. */
export async function removeAllFolders(
  deps: FoldersDeps,
  write: ProjectWrite,
  environment: EnvironmentRecord,
): Promise<void> {
  const folders = folderWithDescendants(write.structure, requireFolder(write.structure, environment, "/"))
  await removeContents(deps, write, folders, environment.id)
  await removeFolders(write, folders)
}

/** The root folder of a new environment. */
export async function createRootFolder(
  deps: Pick<FoldersDeps, "random">,
  write: FolderWrite,
  environmentId: string,
): Promise<void> {
  await insertFolder(write, {
    id: deps.random.uuid(),
    environmentId,
    parentId: null,
    name: "root",
    description: null,
    version: 1,
    createdAt: write.now,
    updatedAt: write.now,
    path: "/",
  })
}

/** Folders directly below a folder, or all below it, by path. A missing folder has none. */
export async function listFolders(
  deps: FoldersDeps,
  session: Session,
  input: FolderPlace & { readonly recursive: boolean; readonly changedSince: number | undefined },
): Promise<readonly ListedFolder[]> {
  return await answerRead(deps, session, async (scope) => {
    const { projectId } = input
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    authorize(scope.session.actor, "read", "secret-folders", { projectId, now: scope.now })
    const environment = requireEnvironment(structure, input.environment)
    const top = findFolder(structure, environment.id, input.path)
    const below = top === undefined ? [] : folderWithDescendants(structure, top).slice(1)
    const chosen = input.recursive ? below : below.filter((folder) => folder.parentId === top?.id)
    const folderIds = chosen.map((folder) => folder.id)
    const lastChanges = await listLastChanges(scope.reader, { projectId, folderIds })
    const listed = chosen.map((folder) => ({
      folder,
      lastSecretModified: lastChanges.get(folder.id) ?? null,
    }))
    const since = input.changedSince
    const found =
      since === undefined ? listed : listed.filter((one) => (one.lastSecretModified ?? 0) >= since)
    scope.audit("get-folders", projectId, {
      environment: environment.slug,
      folderPath: input.path,
      numberOfFolders: found.length,
    })
    return found
  })
}

/** One folder by its id, with the environment it belongs to. */
export async function getFolder(
  deps: FoldersDeps,
  session: Session,
  folderId: string,
): Promise<{
  readonly projectId: string
  readonly folder: FolderRecord
  readonly environment: EnvironmentRecord
}> {
  return await answerRead(deps, session, async (scope) => {
    const projectId = await findProjectOfFolder(scope.reader, folderId)
    if (projectId === undefined) throw folderNotFound(folderId)
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    authorize(scope.session.actor, "read", "secret-folders", { projectId, now: scope.now })
    const folder = structure.folders.get(folderId)
    const environment = structure.environments.find((one) => one.id === folder?.environmentId)
    if (folder === undefined || environment === undefined) throw folderNotFound(folderId)
    scope.audit("get-folder", projectId, {
      environment: environment.slug,
      folderId,
      folderName: folder.name,
      folderPath: folder.path,
    })
    return { projectId, folder, environment }
  })
}

async function addFolder(
  deps: FoldersDeps,
  write: ProjectWrite,
  of: {
    readonly parent: FolderRecord
    readonly name: string
    readonly path: string
    readonly description: string | null
  },
): Promise<FolderRecord> {
  const folder: FolderRecord = {
    id: deps.random.uuid(),
    environmentId: of.parent.environmentId,
    parentId: of.parent.id,
    name: of.name,
    description: of.description,
    version: 1,
    createdAt: write.now,
    updatedAt: write.now,
    path: of.path,
  }
  await insertFolder(write, folder)
  return folder
}

/**
 * Tombstones the secrets and imports of these folders; true when there were none.
 *
 * @param environmentId also removes what others import from that environment
 */
async function removeContents(
  deps: FoldersDeps,
  write: ProjectWrite,
  folders: readonly FolderRecord[],
  environmentId?: string,
): Promise<boolean> {
  const folderIds = folders.map((folder) => folder.id)
  const records = await listSecretsInFolders(write.db, deps.keyring, {
    projectId: write.projectId,
    folderIds,
  })
  await removeRecords(deps, write, records)
  const byFolder = Map.groupBy(records, (record) => record.folderId)
  for (const folder of folders) {
    const shared = (byFolder.get(folder.id) ?? []).filter((record) => record.userId === null)
    const keys = shared.map((record) => record.key)
    const { environmentId, path } = folder
    if (keys.length > 0)
      write.change({ kind: "secret:delete", environmentId, folderId: folder.id, path, keys })
  }
  const imports = await removeImportsOf(write, { folderIds, environmentId })
  return records.length === 0 && imports === 0
}

function recordFolder(
  write: OrganizationWrite & Pick<ProjectWrite, "change">,
  environment: EnvironmentRecord,
  folder: FolderRecord,
  type: "create-folder" | "update-folder" | "delete-folder",
  oldFolderName?: string,
): void {
  const about = {
    environment: environment.slug,
    folderId: folder.id,
    folderName: folder.name,
    folderPath: folder.path,
  }
  if (oldFolderName === undefined) write.audit(type, about)
  else write.audit("update-folder", { ...about, oldFolderName })
  write.change({
    kind: "folder",
    environmentId: environment.id,
    folderId: folder.id,
    path: folder.path,
  })
}

/** A folder by id anywhere in the environment, or by name directly below `path`; never the root. */
function folderBelow(
  structure: ProjectStructure,
  environment: EnvironmentRecord,
  path: string,
  idOrName: string,
): FolderRecord {
  const byId = structure.folders.get(idOrName)
  if (byId !== undefined && byId.environmentId === environment.id && byId.parentId !== null) return byId
  return requireFolder(structure, environment, childPath(path, idOrName))
}

function childPath(parent: string, name: string): string {
  return parent === "/" ? `/${name}` : `${parent}/${name}`
}

function namesOf(path: string): string[] {
  return path === "/" ? [] : path.slice(1).split("/")
}

function requireFolderName(name: string): void {
  if (/^[A-Za-z0-9_-]{1,255}$/.test(name)) return
  throw new AppError(
    "unprocessable",
    "ValidationFailure",
    `Folder name '${name}' may hold letters, digits, dashes and underscores only`,
  )
}

function folderNotFound(id: string): AppError {
  return new AppError("not-found", "NotFound", `Folder with ID '${id}' not found`)
}
