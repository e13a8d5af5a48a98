import { AppError } from "../../errors.ts"
import type { TimeSlices } from "../../time-slices.ts"
import type { OpenedSecret } from "./domain.ts"
import { filterSecrets, type SecretFilter } from "./filters.ts"
import { type ImportEntry, importsOf, sourcesOf } from "./imports.ts"
import { type FolderView, openIfAllowed, resourceOf } from "./reading.ts"
import type { Found, References } from "./resolve-references.ts"

/** What one import shows to a caller; what lies behind it counts as its own. */
export type OpenedImport = {
  readonly path: string
  readonly environment: string
  /** `undefined` when the imported folder is missing. */
  readonly folderId: string | undefined
  readonly secrets: readonly OpenedSecret[]
}

export type ImportedListing = {
  readonly viewValue: boolean
  readonly filter: SecretFilter
  readonly references: References
  readonly slices: TimeSlices
}

/** An answer with more imported secrets than this would take too much memory. */
const maxImported = 50_000

/**
 * The imports of folders, in the order of the folders and of the positions. Where the caller may not read, nothing is
 * shown: neither the secret nor, when all of it is closed, the import.
 *
 * @throws AppError "invalid" when there are too many, "forbidden" when a value refers to what may not be read
 */
export async function listImported(
  places: readonly FolderView[],
  listing: ImportedListing,
): Promise<readonly OpenedImport[]> {
  const imports: OpenedImport[] = []
  let left = maxImported
  for (const place of places) {
    for (const entry of importsOf(place)) {
      const found = await listEntry(entry, place, { ...listing, limit: left })
      left -= found.length
      if (found.length === 0 && !isOpen(entry, place)) continue
      imports.push({
        path: entry.record.importPath,
        environment: entry.environment.slug,
        folderId: entry.folder?.id,
        secrets: await listing.references.resolveAll(found),
      })
    }
  }
  return imports
}

/** May the caller look into the imported folder as a whole? */
function isOpen({ environment, record }: ImportEntry, { view }: FolderView): boolean {
  return view.mayDescribe({ environment: environment.slug, secretPath: record.importPath }) !== undefined
}

async function listEntry(
  entry: ImportEntry,
  importer: FolderView,
  { viewValue, filter, slices, limit }: ImportedListing & { readonly limit: number },
): Promise<readonly Found[]> {
  const found: Found[] = []
  const seen = new Set<string>()
  for (const { place, through } of sourcesOf(entry, importer)) {
    const { snapshot } = place.view
    const { byKey } = await snapshot.secretsOf(place.folder.id)
    for (const record of filterSecrets([...byKey.values()], filter, snapshot.structure.tags)) {
      const pause = slices.spend()
      if (pause !== undefined) await pause
      if (
        seen.has(record.key) ||
        (viewValue && place.view.mayReadValue(resourceOf(place, record)) === undefined)
      ) {
        continue
      }
      const secret = openIfAllowed(place, record, viewValue)
      if (secret === undefined) continue
      seen.add(record.key)
      found.push({ secret, at: [place, ...through, importer] })
      if (found.length > limit) throw tooMany()
    }
  }
  return found
}

function tooMany(): AppError {
  return new AppError(
    "invalid",
    "BadRequest",
    `The imports show more than ${maxImported} secrets; list the folders one by one`,
  )
}
