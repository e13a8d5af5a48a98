/** A project that has an admin keeps one: nobody leaves it, or changes its roles, so that nobody could change them back. */
import type { Writer } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { listAdministered, listSlugs } from "./administered-store.ts"

/** Of projects that a refusal names. */
const maxNamed = 5

/**
 * Carries out a change of who belongs to these projects, or with which roles. An admin is who has that role without an
 * end, itself or through a group, and is active in the organization. The rows of the projects are locked, so that two who
 * leave at the same time are judged one after the other. A project that had no admin before may stay without one.
 *
 * @throws AppError "invalid" when a project would have no admin left
 */
export async function keepAdmins<T>(
  db: Writer,
  projectIds: readonly string[],
  change: () => Promise<T>,
): Promise<T> {
  const before = await listAdministered(db, projectIds)
  const result = await change()
  const after = new Set(await listAdministered(db, before))
  const left = before.filter((id) => !after.has(id))
  if (left.length > 0) throw lastAdmin(await listSlugs(db, left))
  return result
}

function lastAdmin(slugs: readonly string[]): AppError {
  const named = slugs.slice(0, maxNamed).map((slug) => `'${slug}'`)
  const more = slugs.length > maxNamed ? ` and ${slugs.length - maxNamed} more` : ""
  const projects = `${slugs.length === 1 ? "Project" : "Projects"} ${named.join(", ")}${more}`
  return new AppError(
    "invalid",
    "BadRequest",
    `${projects} would have no admin left: give somebody else the role 'admin' there first, without an end`,
  )
}
