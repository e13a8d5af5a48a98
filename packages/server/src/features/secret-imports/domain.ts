/** Rules of imports that need no database. Pure. */
import type { FolderRecord, ImportRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"

/** More imports of one folder than this are a mistake. */
const maxImports = 100

/**
 * @param known the imports the folder has besides the one that is made or changed
 * @throws AppError "invalid" when a folder would import itself, or the same folder twice
 */
export function requireImportable(
  importer: FolderRecord,
  source: FolderRecord,
  known: readonly ImportRecord[],
): void {
  if (importer.id === source.id) {
    throw new AppError("invalid", "BadRequest", "A folder cannot import itself")
  }
  const isKnown = known.some(
    (one) => one.importEnvironmentId === source.environmentId && one.importPath === source.path,
  )
  if (isKnown) {
    throw new AppError("invalid", "BadRequest", `Folder '${source.path}' is already imported here`)
  }
  if (known.length >= maxImports) {
    throw new AppError("invalid", "BadRequest", `A folder takes at most ${maxImports} imports`)
  }
}

/**
 * The imports with `changed` at its new position, numbered from 1 without gaps.
 * @throws AppError "invalid" when there is no such position
 */
export function arrange(
  imports: readonly ImportRecord[],
  changed: ImportRecord,
  position: number,
): readonly ImportRecord[] {
  if (position > imports.length) {
    throw new AppError("invalid", "BadRequest", `import.position must be from 1 to ${imports.length}`)
  }
  const others = imports.filter((one) => one.id !== changed.id)
  return renumber([...others.slice(0, position - 1), changed, ...others.slice(position - 1)])
}

/** The same imports with positions from 1 without gaps. */
export function renumber(imports: readonly ImportRecord[]): readonly ImportRecord[] {
  return imports.map((one, index) => (one.position === index + 1 ? one : { ...one, position: index + 1 }))
}
