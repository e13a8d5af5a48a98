/**
 * What a folder takes from others (contract 1.4, 3.5). Imports of imported folders are followed and counted to the
 * import that leads to them; every folder counts once per import, and the importing folder never, so cycles end.
 */
import {
  type EnvironmentRecord,
  type FolderRecord,
  findFolder,
  type ImportRecord,
  type SecretRecord,
} from "../../cache/index.ts"
import type { TimeSlices } from "../../time-slices.ts"
import type { FolderView } from "./reading.ts"

/** One import of a folder. */
export type ImportEntry = {
  readonly record: ImportRecord
  readonly environment: EnvironmentRecord
  /** `undefined` when the imported folder is missing. */
  readonly folder: FolderRecord | undefined
}

/** A folder that an import leads to. */
export type ImportSource = {
  readonly place: FolderView
  /** The folders between it and the importing one, nearest to the source first. */
  readonly through: readonly FolderView[]
}

/** Longer detours of a relative reference are not followed. */
const maxThrough = 10

/** The imports of a folder, in the order of their positions. */
export function importsOf(place: FolderView): readonly ImportEntry[] {
  const { structure } = place.view.snapshot
  const records = structure.imports.get(place.folder.id)
  if (records === undefined) return []
  return records.flatMap((record): readonly ImportEntry[] => {
    const environment = structure.environments.find((one) => one.id === record.importEnvironmentId)
    if (environment === undefined) return []
    return [{ record, environment, folder: findFolder(structure, environment.id, record.importPath) }]
  })
}

/** The folder that an import names, then what that one imports, depth first. */
export function* sourcesOf(entry: ImportEntry, importer: FolderView): Generator<ImportSource> {
  const seen = new Set([importer.folder.id])
  const open: ImportSource[] = sourceOf(importer, entry, [])
  for (let source = open.pop(); source !== undefined; source = open.pop()) {
    const { place } = source
    if (seen.has(place.folder.id)) continue
    seen.add(place.folder.id)
    yield source
    const through = [place, ...source.through].slice(0, maxThrough)
    for (const next of [...importsOf(place)].reverse()) open.push(...sourceOf(place, next, through))
  }
}

function sourceOf(
  { view }: FolderView,
  { environment, folder }: ImportEntry,
  through: readonly FolderView[],
): ImportSource[] {
  return folder === undefined ? [] : [{ place: { view, environment, folder }, through }]
}

/** A secret that an import shows. */
export type ImportedSecret = ImportSource & { readonly record: SecretRecord }

/**
 * The secrets of that name which imports of a folder show, best first: by position for references and lists, from the
 * last import on for single reads.
 */
export async function* importedByKey(
  importer: FolderView,
  key: string,
  how: {
    readonly lastFirst: boolean
    readonly slices: TimeSlices
    /** Called for each folder that is looked into; may throw to end the search. */
    readonly visit?: () => void
  },
): AsyncGenerator<ImportedSecret> {
  const entries = importsOf(importer)
  for (const entry of how.lastFirst ? [...entries].reverse() : entries) {
    for (const source of sourcesOf(entry, importer)) {
      how.visit?.()
      const pause = how.slices.spend()
      if (pause !== undefined) await pause
      const record = (await source.place.view.snapshot.secretsOf(source.place.folder.id)).byKey.get(key)
      if (record !== undefined) yield { ...source, record }
    }
  }
}
