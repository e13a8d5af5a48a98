/** What coming back from the trash asks of each record. Pure. */
import {
  bringFolder,
  bringParent,
  type Entries,
  nothingWanted,
  type Times,
  type Wanted,
  withDescendants,
} from "../history/index.ts"

/** The secret where it was, or in the folder that has that place now; missing folders above come back empty. */
export function secretBack(times: Times, id: string): Wanted | undefined {
  const { now, past, unknown } = times
  const secret = past.secrets.get(id)
  const folder = past.folders.get(secret?.folderId ?? "")
  if (secret === undefined || folder === undefined || unknown.has(id)) return undefined
  const wanted = nothingWanted()
  const folderId = bringFolder(now, past, folder, wanted)
  wanted.secrets.set(id, { ...secret, folderId })
  wanted.lookedAt.add(folderId)
  return wanted
}

/** The folder with everything that went with it. */
export function folderBack(times: Times, id: string): Wanted | undefined {
  const { now, past, heads } = times
  const folder = past.folders.get(id)
  const revision = heads.folders.get(id)?.revision
  if (folder === undefined || revision === undefined) return undefined
  const wanted = nothingWanted()
  const parentId = bringParent(now, past, folder, wanted)
  const ids = new Set(withDescendants(past, id).map((one) => one.id))
  addGoneWith(times, wanted, { folderIds: ids, revision })
  wanted.folders.set(id, { ...folder, parentId })
  return wanted
}

/** The environment with everything that went with it, also what others imported from it. */
export function environmentBack(times: Times, id: string): Wanted | undefined {
  const { past, heads } = times
  const environment = past.environments.get(id)
  const revision = heads.environments.get(id)?.revision
  if (environment === undefined || revision === undefined) return undefined
  const wanted = nothingWanted()
  wanted.environments.set(id, environment)
  const inside = [...past.folders.values()].filter((one) => one.environmentId === id)
  addGoneWith(times, wanted, { folderIds: new Set(inside.map((one) => one.id)), revision })
  addImportsOf(times, wanted, { environmentId: id, revision })
  return wanted
}

function addGoneWith(
  { past, heads, unknown }: Times,
  wanted: Wanted,
  of: { readonly folderIds: ReadonlySet<string>; readonly revision: number },
): void {
  const { folderIds, revision } = of
  for (const id of folderIds) {
    wanted.lookedAt.add(id)
    const folder = past.folders.get(id)
    if (folder !== undefined && wentAt(heads.folders, id, revision)) wanted.folders.set(id, folder)
  }
  for (const secret of past.secrets.values()) {
    const isInside = folderIds.has(secret.folderId) && wentAt(heads.secrets, secret.id, revision)
    if (isInside && !unknown.has(secret.id)) wanted.secrets.set(secret.id, secret)
  }
  for (const one of past.imports.values()) {
    if (folderIds.has(one.folderId) && wentAt(heads.imports, one.id, revision))
      wanted.imports.set(one.id, one)
  }
}

/** Imports that other folders had of an environment come last in their folders. */
function addImportsOf(
  { now, past, heads }: Times,
  wanted: Wanted,
  of: { readonly environmentId: string; readonly revision: number },
): void {
  for (const one of past.imports.values()) {
    const isOfOthers = now.folders.has(one.folderId) && one.importEnvironmentId === of.environmentId
    if (!isOfOthers || !wentAt(heads.imports, one.id, of.revision)) continue
    const present = [...now.imports.values(), ...wanted.imports.values()]
    const before = present.filter((other) => other?.folderId === one.folderId).length
    wanted.imports.set(one.id, { ...one, position: before + 1 })
  }
}

function wentAt(entries: Entries[keyof Entries], id: string, revision: number): boolean {
  const entry = entries.get(id)
  return entry?.op === "delete" && entry.revision === revision
}
