/** Projects that nobody is left in are not lost: administrators of the organization see all and may enter each. */
import type { Session } from "../../actor.ts"
import { answerRead, endEpoch, writeInProject } from "../../use-case/index.ts"
import { authorizeInOrganization } from "../authorization/index.ts"
import { listRoles, replaceRoles } from "./roles-store.ts"
import { grantMembership, type MembershipsDeps } from "./service.ts"
import {
  findMembership,
  listOrganizationProjects,
  type MemberKind,
  type Membership,
  type OrganizationProject,
} from "./store.ts"

/** Every project of the organization, by name. */
export async function listProjectsOfOrganization(
  deps: MembershipsDeps,
  session: Session,
  input: { readonly offset: number; readonly limit: number; readonly nameContains: string | undefined },
): Promise<{ readonly projects: readonly OrganizationProject[]; readonly totalCount: number }> {
  return await answerRead(deps, session, async (scope) => {
    const { actor } = scope.session
    authorizeInOrganization(actor, "enter-projects")
    const list = await listOrganizationProjects(scope.reader, { ...input, orgId: actor.orgId })
    scope.audit("get-organization-projects", null, { numberOfProjects: list.projects.length })
    return list
  })
}

/**
 * Makes the caller an admin of a project of its organization. Rights that it has there already stay; so does what they
 * deny.
 *
 * @throws AppError "forbidden" unless the caller administers the organization, "not-found" for an unknown project
 */
export async function enterProject(
  deps: MembershipsDeps,
  session: Session,
  projectId: string,
): Promise<{ readonly kind: MemberKind; readonly membership: Membership }> {
  return await writeInProject(deps, session, { id: projectId, endsOwnEpoch: true }, async (write) => {
    authorizeInOrganization(write.actor, "enter-projects")
    const { kind, id: memberId } = write.actor
    const admin = { role: "admin", temporary: null }
    const known = await findMembership(write.db, { projectId, memberId, kind })
    const membership =
      known ?? (await grantMembership(deps, write, { kind, memberId, projectId, roles: [admin] }))
    if (known !== undefined) {
      const roles = (await listRoles(write.db, "member", [known.id])).get(known.id) ?? []
      const others = roles.filter(({ role }) => role !== admin.role)
      await replaceRoles(deps, write, { holder: "member", id: known.id }, [...others, admin])
      await endEpoch(deps, write, [memberId])
    }
    write.audit("org-admin-accessed-project", { actorType: kind, actorId: memberId })
    write.change({ kind: "membership" })
    return { kind, membership }
  })
}
