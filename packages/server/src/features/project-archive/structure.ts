/**
 * The skeleton of a project as an archive tells it, checked as a whole: environments, folders and imports that are there,
 * and the ids of all that ever were. Pure; small enough to be held in memory, and refused when it is not.
 */
import type { ArchiveEntryOf } from "@coffer/contract"
import { excessOf, maxFolders } from "../folders/index.ts"
import { archiveRefused } from "./refusals.ts"

export type EnvironmentEntry = ArchiveEntryOf<"environment">
export type FolderEntry = ArchiveEntryOf<"folder">
export type ImportEntry = ArchiveEntryOf<"import">
type StructureEntry = EnvironmentEntry | FolderEntry | ImportEntry

const maxVersions = 200_000

type Head = { readonly version: number; readonly isThere: boolean; readonly isMarked: boolean }

export class ArchivedStructure {
  readonly environments = new Map<string, EnvironmentEntry>()
  readonly folders = new Map<string, FolderEntry>()
  readonly imports = new Map<string, ImportEntry>()
  readonly #heads = {
    environment: new Map<string, Head>(),
    folder: new Map<string, Head>(),
    import: new Map<string, Head>(),
  }
  #versions = 0

  /** @throws AppError "invalid" when there are too many, or a version contradicts another one */
  add(entry: StructureEntry): void {
    this.#versions += 1
    if (this.#versions > maxVersions) {
      throw archiveRefused(`The archive has more than ${maxVersions} versions of folders and imports`)
    }
    const heads = this.#heads[entry.kind]
    const { id, version } = entry
    const isMarked = entry.current !== undefined
    const before = heads.get(id)
    if (before !== undefined && (before.version >= version || before.isMarked)) throw contradiction(entry)
    heads.set(id, { version, isThere: entry.op !== "delete", isMarked })
    if (entry.current === undefined) return
    if (entry.kind === "environment") this.environments.set(id, entry)
    else if (entry.kind === "folder") this.folders.set(id, entry)
    else this.imports.set(id, entry)
  }

  /**
   * What is there, parents before children.
   * @throws AppError "invalid" when something hangs in the air
   */
  complete(): {
    readonly environments: readonly EnvironmentEntry[]
    readonly folders: readonly FolderEntry[]
    readonly imports: readonly ImportEntry[]
  } {
    for (const heads of Object.values(this.#heads)) {
      for (const [id, head] of heads) {
        if (head.isThere !== head.isMarked) {
          throw archiveRefused(`The archive does not say whether '${id}' is still there`)
        }
      }
    }
    for (const one of this.imports.values()) this.#requireImport(one)
    return {
      environments: [...this.environments.values()],
      folders: this.#foldersInOrder(),
      imports: [...this.imports.values()],
    }
  }

  /**
   * Where a secret is or was.
   * @throws AppError "invalid" for a place that this archive does not have
   */
  requirePlace(secret: ArchiveEntryOf<"secret">): void {
    const { environmentId, folderId, id } = secret
    const isKnown = this.#heads.environment.has(environmentId) && this.#heads.folder.has(folderId)
    const folder = this.folders.get(folderId)
    const isThere = folder !== undefined && folder.environmentId === environmentId
    if (isKnown && (secret.current === undefined || isThere)) return
    throw archiveRefused(`The archive has a secret, '${id}', in a folder that is none of this project`)
  }

  #foldersInOrder(): readonly FolderEntry[] {
    if (this.folders.size > maxFolders) {
      throw archiveRefused(`The archive has more than ${maxFolders} folders`)
    }
    const children = Map.groupBy(this.folders.values(), (folder) => folder.parentId)
    const roots = children.get(null) ?? []
    const rootOf = new Map(roots.map((root) => [root.environmentId, root]))
    const hasRoots = [...this.environments.keys()].every((id) => rootOf.has(id))
    if (!hasRoots || roots.length !== this.environments.size) {
      throw archiveRefused("The archive has an environment without a root folder, or with several")
    }
    const ordered = roots.map((folder) => ({ folder, path: "" }))
    for (let index = 0; index < ordered.length; index += 1) {
      const parent = ordered[index] as (typeof ordered)[number]
      for (const folder of children.get(parent.folder.id) ?? []) {
        if (folder.environmentId !== parent.folder.environmentId) throw astray(folder)
        const path = `${parent.path}/${folder.name}`
        const excess = excessOf(path)
        if (excess !== undefined)
          throw archiveRefused(`The folder '${folder.id}' of the archive would ${excess}`)
        ordered.push({ folder, path })
      }
    }
    if (ordered.length === this.folders.size) return ordered.map(({ folder }) => folder)
    const reached = new Set(ordered.map(({ folder }) => folder.id))
    throw astray([...this.folders.values()].find((folder) => !reached.has(folder.id)))
  }

  #requireImport(one: ImportEntry): void {
    if (this.folders.has(one.folderId) && this.environments.has(one.importEnvironmentId)) return
    throw archiveRefused(`The archive has an import, '${one.id}', of or in something that is not there`)
  }
}

function astray(folder: FolderEntry | undefined): Error {
  return archiveRefused(`The archive has a folder, '${folder?.id ?? ""}', that lies below no folder`)
}

function contradiction({ kind, id }: StructureEntry): Error {
  return archiveRefused(`The archive has versions of the ${kind} '${id}' that contradict each other`)
}
