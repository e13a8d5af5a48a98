import {
  type EnvironmentRecord,
  type FolderRecord,
  findEnvironment,
  findFolder,
  type ProjectStructure,
} from "../../cache/index.ts"
import { AppError } from "../../errors.ts"

/** @throws AppError "not-found" with the text of contract 3.2 */
export function requireEnvironment(structure: ProjectStructure, slug: string): EnvironmentRecord {
  const environment = findEnvironment(structure, slug)
  if (environment !== undefined) return environment
  throw new AppError(
    "not-found",
    "NotFound",
    `Environment with slug '${slug}' in project with ID ${structure.project.id} not found`,
  )
}

/** @throws AppError "not-found" with the text of contract 3.3 */
export function requireFolder(
  structure: ProjectStructure,
  environment: EnvironmentRecord,
  path: string,
): FolderRecord {
  const folder = findFolder(structure, environment.id, path)
  if (folder !== undefined) return folder
  throw new AppError(
    "not-found",
    "NotFound",
    `Folder with path '${path}' in environment with slug '${environment.slug}' not found`,
  )
}
