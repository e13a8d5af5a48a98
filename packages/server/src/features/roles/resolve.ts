import type { PermissionRule } from "@coffer/contract"
import type { Reader } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { rulesOfRole } from "../authorization/index.ts"
import { listRoles } from "./store.ts"

/** The rules of the roles with these slugs, built-in or of the project, in their order: what handing them out gives. */
export async function rulesOfRoles(
  db: Reader,
  projectId: string,
  slugs: readonly string[],
): Promise<readonly (readonly PermissionRule[])[]> {
  const custom = slugs.filter((slug) => rulesOfRole(slug) === undefined)
  const known = new Map((await listRoles(db, projectId, custom)).map((role) => [role.slug, role.permissions]))
  return slugs.map((slug) => {
    const rules = rulesOfRole(slug) ?? known.get(slug)
    if (rules !== undefined) return rules
    throw new AppError("invalid", "BadRequest", `Role '${slug}' does not exist`)
  })
}
