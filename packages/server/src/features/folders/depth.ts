/** How deep a folder may lie. Pure. */
import { AppError } from "../../errors.ts"

/** Levels below the root: with no limit a path could be as long as a body, and each folder on it has one. */
export const maxFolderDepth = 64

/** The names on a path; none for the root. */
export function namesOf(path: string): string[] {
  return path === "/" ? [] : path.slice(1).split("/")
}

/** Whether a folder at this path would lie deeper than any may. */
export function isTooDeep(path: string): boolean {
  return namesOf(path).length > maxFolderDepth
}

/** @throws AppError "invalid" for a folder that would lie deeper than {@link maxFolderDepth} levels below the root */
export function requireFolderDepth(path: string): void {
  if (!isTooDeep(path)) return
  const why = `A folder lies at most ${maxFolderDepth} levels below the root, and this one would lie deeper`
  throw new AppError("invalid", "BadRequest", why)
}
