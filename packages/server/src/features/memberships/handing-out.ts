import { AppError } from "../../errors.ts"
import type { OrganizationWrite, ProjectWrite } from "../../use-case/index.ts"
import {
  isAllowedInOrganization,
  liftedDenies,
  mayHandOut,
  type Rule,
  requireMayHandOut,
} from "../authorization/index.ts"
import { rulesOfRoles } from "../roles/index.ts"
import { lastingRules, type MemberRole } from "./domain.ts"
import { listRoles } from "./roles-store.ts"
import { listMembershipsOf, listPrivilegeRules } from "./store.ts"

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

/**
 * Stops the caller from deciding how an identity logs in that may do more than it: it could log in as that identity. Who
 * manages the credentials of the organization may, since it can make credentials for every identity anyway.
 *
 * @throws AppError "forbidden" (PermissionBoundaryError)
 */
export async function requireMayActFor(
  write: Pick<OrganizationWrite, "db" | "actor" | "now">,
  identityId: string,
): Promise<void> {
  const { db, actor, now } = write
  if (isAllowedInOrganization(actor.orgRole, "manage-credentials")) return
  const memberships = await listMembershipsOf(db, identityId)
  const roles = await listRoles(
    db,
    "member",
    memberships.map(({ id }) => id),
  )
  for (const { id, projectId } of memberships) {
    const held = roles.get(id) ?? []
    const rules = await rulesOf({ db, projectId }, held)
    const lasting = held.flatMap((role, index) => lastingRules(rules[index] ?? [], role.temporary))
    // A privilege may end with the deny in it: only what it allows counts.
    const allowed = (await listPrivilegeRules(db, id)).filter((rule) => rule.inverted !== true)
    if (mayHandOut(actor, [...lasting, ...allowed], { projectId, now })) continue
    throw new AppError(
      "forbidden",
      "PermissionBoundaryError",
      "This identity may do more than you, in a project that it belongs to: only an administrator of the organization may decide how it logs in",
    )
  }
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
