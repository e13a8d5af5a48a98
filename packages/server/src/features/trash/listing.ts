/** What is in the trash, by the newest versions of everything. Pure. */
import { type Entries, type Entry, pathOf } from "../history/index.ts"

export type TrashKind = "secret" | "folder" | "environment"

export type Trashed = {
  readonly kind: TrashKind
  readonly id: string
  readonly name: string
  readonly environment: string
  /** Of the folder that it was in; the environment itself is at "/". */
  readonly path: string
  readonly deletedBy: { readonly type: string; readonly id: string }
  readonly deletedAt: number
  readonly revision: number
  /** The folder or environment that was deleted with it. */
  readonly partOf: string | null
}

/**
 * Newest first.
 *
 * @param kept secrets whose values are still there
 */
export function listTrashed(heads: Entries, kept: ReadonlySet<string>): readonly Trashed[] {
  const found: Trashed[] = []
  const placeOf = placesOf(heads)
  for (const [id, entry] of heads.environments) {
    const { name, slug } = entry.state
    if (entry.op === "delete")
      found.push(trashed("environment", id, name, entry, { environment: slug, path: "/" }))
  }
  for (const [id, entry] of heads.folders) {
    const { parentId, name, environmentId } = entry.state
    if (entry.op !== "delete" || parentId === null) continue
    const partOf = goneWith(heads, parentId, environmentId, entry.revision)
    found.push({ ...trashed("folder", id, name, entry, placeOf(parentId)), partOf })
  }
  for (const [id, entry] of heads.secrets) {
    const { folderId, environmentId, key } = entry.state
    if (entry.op !== "delete" || !kept.has(id)) continue
    const partOf = goneWith(heads, folderId, environmentId, entry.revision)
    found.push({ ...trashed("secret", id, key, entry, placeOf(folderId)), partOf })
  }
  return found.sort((left, right) => right.revision - left.revision || (left.name < right.name ? -1 : 1))
}

function trashed(
  kind: TrashKind,
  id: string,
  name: string,
  entry: Entry<unknown>,
  place: { readonly environment: string; readonly path: string },
): Trashed {
  return {
    kind,
    id,
    name,
    ...place,
    deletedBy: { type: entry.actorType, id: entry.actorId },
    deletedAt: entry.at,
    revision: entry.revision,
    partOf: null,
  }
}

/** The folder, or else the environment, that went in the same write. */
function goneWith(heads: Entries, folderId: string, environmentId: string, revision: number): string | null {
  const folder = heads.folders.get(folderId)
  const isRoot = folder?.state.parentId === null
  if (!isRoot && folder?.op === "delete" && folder.revision === revision) return folderId
  const environment = heads.environments.get(environmentId)
  return environment?.op === "delete" && environment.revision === revision ? environmentId : null
}

/** Where a folder was, by the last name that each had, whether it is there or not. */
function placesOf(heads: Entries) {
  const folders = new Map([...heads.folders].map(([id, { state }]) => [id, state]))
  return (folderId: string): { readonly environment: string; readonly path: string } => {
    const environmentId = folders.get(folderId)?.environmentId ?? ""
    return {
      environment: heads.environments.get(environmentId)?.state.slug ?? "",
      path: pathOf({ folders }, folderId) ?? "/",
    }
  }
}
