/** What a folder or an environment being as it was asks of each record. Pure. */
import {
  type Contents,
  type FolderState,
  folderAt,
  nothingWanted,
  type Wanted,
  withDescendants,
} from "./state.ts"

export type Scope = {
  readonly environmentId: string
  readonly path: string
  /** Also what is below the folder. */
  readonly recursive: boolean
}

/**
 * Every secret, import and folder that is inside the scope now, or was then, shall be what it was then. The folder that
 * is named keeps its present name and place; when it is gone it comes back, with the missing ones above it.
 *
 * @param unknown secrets whose state of then was pruned: they stay as they are
 * @returns `undefined` when there was no such folder then
 */
export function wantedAt(
  now: Contents,
  then: Contents,
  scope: Scope,
  unknown: ReadonlySet<string>,
): Wanted | undefined {
  const current = folderAt(now, scope.environmentId, scope.path)
  const known = current === undefined ? undefined : then.folders.get(current.id)
  const past = known ?? folderAt(then, scope.environmentId, scope.path)
  if (past === undefined) return undefined
  const wanted = nothingWanted()
  const topIds = [current?.id, past.id].filter((id) => id !== undefined)
  const folderIds = scope.recursive ? closure(now, then, topIds) : new Set(topIds)
  for (const id of folderIds) wanted.lookedAt.add(id)
  if (scope.recursive) for (const id of folderIds) wanted.folders.set(id, then.folders.get(id))
  placeTop(now, then, { scope, current, past }, wanted)
  for (const secret of [...now.secrets.values(), ...then.secrets.values()]) {
    if (folderIds.has(secret.folderId) && !unknown.has(secret.id)) {
      wanted.secrets.set(secret.id, then.secrets.get(secret.id))
    }
  }
  for (const one of [...now.imports.values(), ...then.imports.values()]) {
    if (folderIds.has(one.folderId)) wanted.imports.set(one.id, then.imports.get(one.id))
  }
  return wanted
}

/** Folders below the tops now or then, and what is below those now. */
function closure(now: Contents, then: Contents, topIds: readonly string[]): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const topId of topIds) {
    for (const folder of withDescendants(then, topId)) ids.add(folder.id)
    for (const folder of withDescendants(now, topId)) ids.add(folder.id)
  }
  for (const id of [...ids]) for (const folder of withDescendants(now, id)) ids.add(folder.id)
  return ids
}

function placeTop(
  now: Contents,
  then: Contents,
  top: { readonly scope: Scope; readonly current: FolderState | undefined; readonly past: FolderState },
  wanted: Wanted,
): void {
  const { scope, current, past } = top
  if (current?.id === past.id) {
    wanted.folders.delete(past.id)
    return
  }
  if (current !== undefined) {
    // Another folder has its place: it goes, and the one of then takes over.
    const { name, parentId } = current
    wanted.folders.set(current.id, undefined)
    wanted.folders.set(past.id, { ...past, name, parentId, environmentId: scope.environmentId })
    return
  }
  const parentId = bringParent(now, then, past, wanted)
  wanted.folders.set(past.id, { ...past, parentId })
}

/**
 * Where a folder of then is now: itself, else the one at its place, else it comes back, with the missing ones above it.
 *
 * @returns the id of the folder that has its place when everything that is wanted is there
 */
export function bringFolder(now: Contents, then: Contents, folder: FolderState, wanted: Wanted): string {
  if (now.folders.has(folder.id)) return folder.id
  const parentId = bringParent(now, then, folder, wanted)
  const present = [...now.folders.values()].find(
    (one) =>
      one.environmentId === folder.environmentId && one.parentId === parentId && one.name === folder.name,
  )
  if (present !== undefined) return present.id
  wanted.folders.set(folder.id, { ...folder, parentId })
  return folder.id
}

/** As {@link bringFolder}, for what is above a folder; null above the root of an environment. */
export function bringParent(
  now: Contents,
  then: Contents,
  folder: FolderState,
  wanted: Wanted,
): string | null {
  const parent = folder.parentId === null ? undefined : then.folders.get(folder.parentId)
  return parent === undefined ? folder.parentId : bringFolder(now, then, parent, wanted)
}
