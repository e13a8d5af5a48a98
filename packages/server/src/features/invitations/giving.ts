import type { Actor } from "../../actor.ts"
import type { Writer } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { authorize, authorizeInOrganization, requireCovers } from "../authorization/index.ts"
import { requireMayReplace } from "../memberships/index.ts"
import type { Invitation, ProjectRole } from "./domain.ts"
import { lockProjects } from "./store.ts"

/** Roles by project. */
export function rolesByProject(projects: readonly ProjectRole[]): ReadonlyMap<string, readonly string[]> {
  const roles = new Map<string, string[]>()
  for (const { projectId, role } of projects) {
    roles.set(projectId, [...(roles.get(projectId) ?? []), role])
  }
  return roles
}

/**
 * Stops an actor from inviting somebody to more than it may give itself, in the organization or in a project.
 *
 * @throws AppError "forbidden", "invalid" for a role that does not exist, "not-found" for a project
 */
export async function requireMayGive(
  at: { readonly db: Writer; readonly actor: Actor; readonly now: number },
  gift: Pick<Invitation, "orgId" | "role" | "projects">,
): Promise<void> {
  const { actor, now } = at
  authorizeInOrganization(actor, "manage-members")
  requireCovers(actor, gift.role)
  const wanted = rolesByProject(gift.projects)
  const known = await lockProjects(at.db, gift.orgId, [...wanted.keys()])
  for (const [projectId, roles] of wanted) {
    if (!known.has(projectId)) {
      throw new AppError("not-found", "NotFound", `Project with ID '${projectId}' not found`)
    }
    authorize(actor, "create", "member", { projectId, now })
    const given = roles.map((role) => ({ role, temporary: null }))
    await requireMayReplace({ ...at, projectId }, [], given)
  }
}
