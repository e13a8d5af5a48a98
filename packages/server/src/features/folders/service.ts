import type { Session } from "../../actor.ts"
import {
  type EnvironmentRecord,
  type FolderRecord,
  findFolder,
  folderWithDescendants,
  type ProjectStructure,
} from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { answerRead, type ProjectWrite, writeInProject } from "../../use-case/index.ts"
import { authorize } from "../authorization/index.ts"
import { projectForRead, requireEnvironment, requireFolder } from "../project-access/index.ts"
import { removeImportsOf } from "../secret-imports/index.ts"
import type { Removal, SecretsDeps } from "../secrets/index.ts"
import { authorizeFolder, childPath, FolderMaker, parentPathOf, recordFolder } from "./folder-maker.ts"
import { relocateFolder } from "./move-folder.ts"
import { type Asking, prepareRemoval, removeSecretsOf } from "./remove-contents.ts"
import {
  type FolderVersionEntry,
  type FolderWrite,
  findProjectOfFolder,
  insertFolder,
  listFolderVersions,
  listLastChanges,
  removeFolders,
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
    const environment = requireEnvironment(write.structure, input.environment)
    authorizeFolder(write, "create", environment, input.path)
    const maker = new FolderMaker(deps.random, write)
    return await maker.ensure(environment, childPath(input.path, input.name), input.description)
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
    const environment = requireEnvironment(write.structure, input.environment)
    return await changeOne(deps, write, environment, input)
  })
}

/** A folder of a batch, by its id. */
export type FolderChange = {
  readonly id: string
  readonly environment: string
  readonly name: string
  readonly description: string | null | undefined
}

/** Renames several folders, all or none. */
export async function changeFolders(
  deps: FoldersDeps,
  session: Session,
  projectId: string,
  changes: readonly FolderChange[],
): Promise<readonly FolderRecord[]> {
  const twice = changes.find((change, index) => changes.findIndex((one) => one.id === change.id) !== index)
  if (twice !== undefined) {
    throw new AppError("invalid", "UpdateFolder", `Folder with ID '${twice.id}' is named more than once`)
  }
  return await writeInProject(deps, session, projectId, async (write) => {
    const changed: FolderRecord[] = []
    for (const { id, environment: slug, name, description } of changes) {
      const environment = requireEnvironment(write.structure, slug)
      const folder = write.structure.folders.get(id)
      if (folder === undefined || folder.environmentId !== environment.id) throw folderNotFound(id)
      requireNoneAbove(changes, folder, write.structure)
      const change = { path: "/", idOrName: id, name, description }
      if (changed.some((one) => one.parentId === folder.parentId && one.name === name)) {
        throw new AppError("invalid", "UpdateFolder", "Folder with specified name already exists")
      }
      changed.push(await changeOne(deps, write, environment, change))
    }
    return changed
  })
}

/** A rename changes the paths below it, which the same batch can't name by the old ones any more. */
function requireNoneAbove(
  changes: readonly FolderChange[],
  folder: FolderRecord,
  structure: ProjectStructure,
): void {
  const above = changes.find((change) => {
    const other = structure.folders.get(change.id)
    return other !== undefined && other.id !== folder.id && folder.path.startsWith(`${other.path}/`)
  })
  if (above === undefined) return
  throw new AppError(
    "invalid",
    "UpdateFolder",
    `Folder '${folder.path}' lies below another folder of the batch; rename them one after the other`,
  )
}

async function changeOne(
  deps: FoldersDeps,
  write: ProjectWrite,
  environment: EnvironmentRecord,
  input: {
    readonly path: string
    readonly idOrName: string
    readonly name: string
    readonly description: string | null | undefined
  },
): Promise<FolderRecord> {
  const { folders } = write.structure
  const path = pathOfNamed(write.structure, environment, input)
  authorizeFolder(write, "edit", environment, parentPathOf(path))
  const folder = requireFolder(write.structure, environment, path)
  const description = input.description === undefined ? folder.description : input.description
  const parent = folder.parentId === null ? undefined : folders.get(folder.parentId)
  if (parent === undefined) throw folderNotFound(folder.id)
  const to = { environment, parent, name: input.name }
  const changed = await relocateFolder(deps, write, { folder, environment, to, description })
  recordFolder(write, environment, changed, "update-folder", folder.name)
  return changed
}

/**
 * Deletes a folder with everything below it; without `force` only an empty one.
 * @throws AppError "forbidden" unless the caller may delete every secret in it
 */
export async function deleteFolder(
  deps: FoldersDeps,
  session: Session,
  input: FolderPlace & { readonly idOrName: string; readonly force: boolean },
): Promise<FolderRecord> {
  const { projectId } = input
  const chosen = (asking: Asking) => folderToDelete(asking, input).folders
  const prepared = await prepareRemoval(deps, session, projectId, chosen)
  return await writeInProject(deps, session, projectId, async (write) => {
    const { environment, folder, folders } = folderToDelete(write, input)
    const holder = `folder '${folder.path}'`
    const secrets = await removeSecretsOf(deps, write, { environment, folders, holder, prepared })
    const imports = await removeImportsOf(write, { folderIds: folders.map((one) => one.id) })
    if (!input.force && secrets + imports + folders.length > 1) {
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

/** The folder that a deletion is about, and everything below it. */
function folderToDelete(asking: Asking, input: FolderPlace & { readonly idOrName: string }) {
  const { structure } = asking
  const environment = requireEnvironment(structure, input.environment)
  const path = pathOfNamed(structure, environment, input)
  authorizeFolder(asking, "delete", environment, parentPathOf(path))
  const folder = requireFolder(structure, environment, path)
  return { environment, folder, folders: folderWithDescendants(structure, folder) }
}

/**
 * Deletes every folder of an environment with what it holds; the caller has authorised all but the secrets.
 *
 * @param prepared by {@link prepareRemoval}
 * @throws AppError "forbidden" when it holds a secret that the actor may not delete
 */
export async function removeAllFolders(
  deps: FoldersDeps,
  write: ProjectWrite,
  environment: EnvironmentRecord,
  prepared: Removal | undefined,
): Promise<void> {
  const folders = foldersOf(write.structure, environment)
  const holder = `environment '${environment.slug}'`
  await removeSecretsOf(deps, write, { environment, folders, holder, prepared })
  const folderIds = folders.map((folder) => folder.id)
  await removeImportsOf(write, { folderIds, environmentId: environment.id })
  await removeFolders(write, folders)
}

/** Every folder of an environment, the root first. */
export function foldersOf(
  structure: ProjectStructure,
  environment: EnvironmentRecord,
): readonly FolderRecord[] {
  return folderWithDescendants(structure, requireFolder(structure, environment, "/"))
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
    const resource = { environment: input.environment, secretPath: input.path }
    authorize(scope.session.actor, "read", "secret-folders", { projectId, now: scope.now, resource })
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

/** The history of a folder, newest first; also of one that was deleted. */
export async function listFolderHistory(
  deps: FoldersDeps,
  session: Session,
  folderId: string,
): Promise<readonly FolderVersionEntry[]> {
  return await answerRead(deps, session, async (scope) => {
    const versions = await listFolderVersions(scope.reader, folderId)
    const [newest] = versions
    if (newest === undefined) throw folderNotFound(folderId)
    const { projectId } = newest
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    const environment = structure.environments.find((one) => one.id === newest.environmentId)
    const folder = structure.folders.get(folderId)
    const place = folder === undefined ? {} : { secretPath: parentPathOf(folder.path) }
    const resource = environment === undefined ? place : { environment: environment.slug, ...place }
    authorize(scope.session.actor, "read", "secret-folders", { projectId, now: scope.now, resource })
    scope.audit("get-folder-versions", projectId, { folderId, numberOfVersions: versions.length })
    return versions
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
  readonly lastSecretModified: number | null
}> {
  return await answerRead(deps, session, async (scope) => {
    const projectId = await findProjectOfFolder(scope.reader, folderId)
    if (projectId === undefined) throw folderNotFound(folderId)
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    const folder = structure.folders.get(folderId)
    const environment = structure.environments.find((one) => one.id === folder?.environmentId)
    if (folder === undefined || environment === undefined) throw folderNotFound(folderId)
    const resource = { environment: environment.slug, secretPath: parentPathOf(folder.path) }
    authorize(scope.session.actor, "read", "secret-folders", { projectId, now: scope.now, resource })
    scope.audit("get-folder", projectId, {
      environment: environment.slug,
      folderId,
      folderName: folder.name,
      folderPath: folder.path,
    })
    const changes = await listLastChanges(scope.reader, { projectId, folderIds: [folderId] })
    return { projectId, folder, environment, lastSecretModified: changes.get(folderId) ?? null }
  })
}

/** The path of a folder that is named by its id anywhere in the environment, or by its name below `path`; never the root. */
function pathOfNamed(
  structure: ProjectStructure,
  environment: EnvironmentRecord,
  { path, idOrName }: { readonly path: string; readonly idOrName: string },
): string {
  const byId = structure.folders.get(idOrName)
  const isMeant = byId?.environmentId === environment.id && byId.parentId !== null
  return isMeant ? byId.path : childPath(path, idOrName)
}

function folderNotFound(id: string): AppError {
  return new AppError("not-found", "NotFound", `Folder with ID '${id}' not found`)
}
