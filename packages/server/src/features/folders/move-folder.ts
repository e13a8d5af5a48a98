import type { Session } from "../../actor.ts"
import {
  type EnvironmentRecord,
  type FolderRecord,
  findFolder,
  folderWithDescendants,
} from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { type ProjectWrite, writeInProject } from "../../use-case/index.ts"
import { requireEnvironment, requireFolder } from "../project-access/index.ts"
import { followMovedFolder } from "../secret-imports/index.ts"
import {
  authorizeDeparture,
  authorizeSecret,
  deskOf,
  listSecretsInFolders,
  relocate,
  type SecretsDeps,
} from "../secrets/index.ts"
import { authorizeFolder, childPath, parentPathOf, recordFolder } from "./folder-maker.ts"
import { requireFolderPath } from "./limits.ts"
import { moveToEnvironment, updateFolder } from "./store.ts"

/**
 * Moves a folder with everything below it under another folder, also of another environment. Folders and secrets keep
 * their ids and their history.
 *
 * @throws AppError "not-found" for what is missing; "invalid" for the root, a folder inside itself, or a name that is
 * taken; "forbidden" unless the caller may take every secret away and put it there
 */
export async function moveFolder(
  deps: SecretsDeps,
  session: Session,
  input: {
    readonly projectId: string
    readonly environment: string
    readonly path: string
    readonly destinationEnvironment: string
    readonly destinationPath: string
  },
): Promise<FolderRecord> {
  return await writeInProject(deps, session, input.projectId, async (write) => {
    const environment = requireEnvironment(write.structure, input.environment)
    const destination = requireEnvironment(write.structure, input.destinationEnvironment)
    authorizeFolder(write, "delete", environment, parentPathOf(input.path))
    authorizeFolder(write, "create", destination, input.destinationPath)
    const folder = requireFolder(write.structure, environment, input.path)
    const parent = requireFolder(write.structure, destination, input.destinationPath)
    requireMovable(folder, parent)
    const to = { environment: destination, parent, name: folder.name }
    const move = { folder, environment, to, description: folder.description }
    const moved = await relocateFolder(deps, write, move)
    recordFolder(write, destination, moved, "update-folder", folder.name)
    return moved
  })
}

function requireMovable(folder: FolderRecord, parent: FolderRecord): void {
  const refuse = (why: string) => new AppError("invalid", "UpdateFolder", why)
  if (folder.parentId === null) throw refuse("The root folder of an environment cannot be moved")
  if (folder.parentId === parent.id) throw refuse(`Folder '${folder.path}' already is in '${parent.path}'`)
  const isInside = parent.id === folder.id || parent.path.startsWith(`${folder.path}/`)
  if (isInside && parent.environmentId === folder.environmentId) {
    throw refuse(`Folder '${folder.path}' cannot be moved into itself`)
  }
}

type FolderMove = {
  readonly folder: FolderRecord
  /** Where it is. */
  readonly environment: EnvironmentRecord
  readonly to: {
    readonly environment: EnvironmentRecord
    readonly parent: FolderRecord
    readonly name: string
  }
  readonly description: string | null
}

/** Gives a folder another name, parent or environment; what lies below comes along. The caller has authorised the folder. */
export async function relocateFolder(
  deps: SecretsDeps,
  write: ProjectWrite,
  move: FolderMove,
): Promise<FolderRecord> {
  const { folder, environment, to } = move
  const path = childPath(to.parent.path, to.name)
  const taken = findFolder(write.structure, to.environment.id, path)
  if (taken !== undefined && taken.id !== folder.id) {
    throw new AppError("invalid", "UpdateFolder", "Folder with specified name already exists")
  }
  const tree = folderWithDescendants(write.structure, folder)
  const moved = tree.map((one): FolderRecord => {
    const at = { environmentId: to.environment.id, path: path + one.path.slice(folder.path.length) }
    if (one.id !== folder.id) return { ...one, ...at }
    return { ...one, ...at, parentId: to.parent.id, name: to.name, description: move.description }
  })
  for (const one of moved) requireFolderPath(one.path)
  const [top] = moved
  if (top === undefined) throw new Error("a folder is part of its own tree")
  const isElsewhere = environment.id !== to.environment.id
  if (path !== folder.path || isElsewhere) await moveContents(deps, write, move, moved)
  const [, ...below] = moved.map((one) => one.id)
  if (isElsewhere) await moveToEnvironment(write, to.environment.id, below)
  await updateFolder(write, { ...top, version: top.version + 1, updatedAt: write.now })
  await followMovedFolder(write, {
    from: { environmentId: environment.id, path: folder.path },
    to: { environmentId: to.environment.id, path },
  })
  return { ...top, version: top.version + 1, updatedAt: write.now }
}

/**
 * Asks for the right to take every secret away and to put it there, tells both sides, and seals what changes its
 * environment anew.
 */
async function moveContents(
  deps: SecretsDeps,
  write: ProjectWrite,
  { environment, to }: FolderMove,
  moved: readonly FolderRecord[],
): Promise<void> {
  const desk = await deskOf(deps, write)
  const { projectId, structure } = write
  const folderIds = moved.map((folder) => folder.id)
  const records = await listSecretsInFolders(write.db, deps.keyring, { projectId, folderIds })
  write.expectRows(records.length)
  const shared = Map.groupBy(
    records.filter((record) => record.userId === null),
    (record) => record.folderId,
  )
  for (const folder of moved) {
    const inside = shared.get(folder.id) ?? []
    const old = structure.folders.get(folder.id)
    if (inside.length === 0 || old === undefined) continue
    const [from, into] = [
      { environment: environment.slug, path: old.path },
      { environment: to.environment.slug, path: folder.path },
    ]
    const destination = { environment: to.environment, folder }
    const moves = inside.map((record) => {
      const grants = authorizeDeparture(desk, from, record)
      authorizeSecret(desk, "create", into, record)
      return { record, destination, grants }
    })
    if (environment.id !== to.environment.id) await relocate(desk, folder.id, moves)
    const keys = inside.map((record) => record.key)
    const folderId = folder.id
    write.change({ kind: "secret:delete", environmentId: environment.id, folderId, path: old.path, keys })
    write.change({
      kind: "secret:create",
      environmentId: to.environment.id,
      folderId,
      path: folder.path,
      keys,
    })
  }
}
