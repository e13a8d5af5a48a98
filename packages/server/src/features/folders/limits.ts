/** How deep a folder may lie, how long its path may be, and how many there may be. Pure. */
import { AppError } from "../../errors.ts"

/** Levels below the root: with no limit one request could make as many as its body has room for. */
const maxFolderDepth = 64
/** Characters; each event, change and answer about what is in a folder repeats its path. */
const maxPathLength = 2_048

/** Of a project: whoever reads or writes it works with all of them, and loads them anew after each change of one. */
export const maxFolders = 20_000

/** The names on a path; none for the root. */
export function namesOf(path: string): string[] {
  return path === "/" ? [] : path.slice(1).split("/")
}

/** What is too much about a folder at this path, as the end of a sentence; `undefined` when nothing is. */
export function excessOf(path: string): string | undefined {
  if (path.length > maxPathLength) return `have a path of more than ${maxPathLength} characters`
  if (namesOf(path).length > maxFolderDepth) return `lie more than ${maxFolderDepth} levels below the root`
  return undefined
}

/** @throws AppError "invalid" for a folder that would lie too deep, or have too long a path */
export function requireFolderPath(path: string): void {
  const excess = excessOf(path)
  if (excess !== undefined) throw new AppError("invalid", "BadRequest", `The folder would ${excess}`)
}

/** @throws AppError "invalid" unless a project with so many folders may have one more */
export function requireRoomForFolder(count: number): void {
  if (count < maxFolders) return
  const message = `The project has ${maxFolders} folders, which is the most; delete some, or use another project`
  throw new AppError("invalid", "BadRequest", message)
}
