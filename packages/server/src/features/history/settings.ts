import type { Session } from "../../actor.ts"
import { writeInProject } from "../../use-case/index.ts"
import { authorize } from "../authorization/index.ts"
import { findSettings, type HistorySettings, updateSettings } from "./prune-store.ts"
import type { HistoryDeps } from "./restore-service.ts"

/** Sets how much of the past is kept; a field that is left out is unchanged. */
export async function changeSettings(
  deps: HistoryDeps,
  session: Session,
  projectId: string,
  change: {
    readonly versionLimit?: number | null | undefined
    readonly trashDays?: number | null | undefined
  },
): Promise<HistorySettings> {
  return await writeInProject(deps, session, projectId, async (write) => {
    authorize(write.actor, "edit", "project", { projectId, now: write.now })
    const old = await findSettings(write.db, projectId)
    const settings = {
      versionLimit: change.versionLimit === undefined ? old.versionLimit : change.versionLimit,
      trashDays: change.trashDays === undefined ? old.trashDays : change.trashDays,
    }
    await updateSettings(write.db, projectId, settings)
    write.audit("update-history-settings", settings)
    write.change({ kind: "project" })
    return settings
  })
}
