import type { ProjectWrite } from "../../use-case/index.ts"
import { liftedDenies, type Rule, requireMayHandOut } from "../authorization/index.ts"
import { rulesOfRoles } from "../roles/index.ts"
import { lastingRules, type MemberRole } from "./domain.ts"

/**
 * Stops the caller from giving a member more than it holds itself, be it by new roles or by taking away roles that deny
 * something. Roles given together are judged together; a deny that ends by itself does not count.
 *
 * @param beyond rules of the member besides its roles that end with the change
 * @throws AppError "forbidden" (PermissionBoundaryError), or "invalid" for a role that does not exist
 */
export async function requireMayReplace(
  write: Pick<ProjectWrite, "db" | "actor" | "now" | "projectId">,
  old: readonly MemberRole[],
  wanted: readonly MemberRole[],
  beyond: readonly Rule[] = [],
): Promise<void> {
  const before = [...(await rulesOf(write, old)).flat(), ...beyond]
  const rules = await rulesOf(write, wanted)
  const after = wanted.flatMap((role, index) => lastingRules(rules[index] ?? [], role.temporary))
  const at = { projectId: write.projectId, now: write.now }
  const lifted = liftedDenies(before, after)
  if (after.length + lifted.length > 0) requireMayHandOut(write.actor, [after, lifted], at)
}

async function rulesOf(
  write: Pick<ProjectWrite, "db" | "projectId">,
  roles: readonly MemberRole[],
): Promise<readonly (readonly Rule[])[]> {
  return await rulesOfRoles(
    write.db,
    write.projectId,
    roles.map((role) => role.role),
  )
}
