/** How long audit events are kept: a setting of the organization, and a shorter one of a project. */
import type { Session } from "../../actor.ts"
import { shorterRetention } from "../../audit/index.ts"
import { answerRead, type ReadDeps, writeInOrganization, writeInProject } from "../../use-case/index.ts"
import { authorize, authorizeInOrganization } from "../authorization/index.ts"
import { projectForRead } from "../project-access/index.ts"
import {
  findOrganizationRetention,
  findProjectRetention,
  updateOrganizationRetention,
  updateProjectRetention,
} from "./retention-store.ts"

export type Retention = { readonly days: number | null; readonly effectiveDays: number | null }

/** The retention of a project, or without one of the organization. */
export async function viewRetention(
  deps: ReadDeps,
  session: Session,
  projectId: string | undefined,
): Promise<Retention> {
  return await answerRead(deps, session, async (scope) => {
    const { actor } = scope.session
    const organizationDays = await findOrganizationRetention(scope.reader, actor.orgId)
    if (projectId === undefined) {
      authorizeInOrganization(actor, "read-audit-logs")
      scope.audit("get-audit-retention", null, { days: organizationDays })
      return { days: organizationDays, effectiveDays: organizationDays }
    }
    await projectForRead(scope, { kind: "id", id: projectId })
    authorize(actor, "read", "audit-logs", { projectId, now: scope.now })
    const days = await findProjectRetention(scope.reader, projectId)
    scope.audit("get-audit-retention", projectId, { days })
    return { days, effectiveDays: shorterRetention(organizationDays, days) }
  })
}

/** Changes it; what is older goes when retention next runs, and does not come back when it is made longer again. */
export async function changeRetention(
  deps: ReadDeps,
  session: Session,
  { projectId, days }: { readonly projectId: string | undefined; readonly days: number | null },
): Promise<Retention> {
  if (projectId === undefined) {
    return await writeInOrganization(deps, session, async (write) => {
      authorizeInOrganization(write.actor, "manage-audit")
      const { orgId } = write.actor
      const oldDays = await findOrganizationRetention(write.db, orgId)
      await updateOrganizationRetention(write.db, orgId, { days, now: write.now })
      write.audit("update-audit-retention", { days, oldDays })
      return { days, effectiveDays: days }
    })
  }
  return await writeInProject(deps, session, projectId, async (write) => {
    authorize(write.actor, "edit", "project", { projectId, now: write.now })
    const organizationDays = await findOrganizationRetention(write.db, write.actor.orgId)
    const oldDays = await findProjectRetention(write.db, projectId)
    await updateProjectRetention(write.db, projectId, { days, now: write.now })
    write.audit("update-audit-retention", { days, oldDays })
    write.change({ kind: "project" })
    return { days, effectiveDays: shorterRetention(organizationDays, days) }
  })
}
