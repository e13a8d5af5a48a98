import type { Session } from "../../actor.ts"
import { answerRead } from "../../use-case/index.ts"
import { requireAnywhere } from "../authorization/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { resourceOf, type SecretsDeps, viewProject } from "./reading.ts"
import { listReminders } from "./reminder-store.ts"

/** A secret that someone wanted to be reminded of. */
export type Reminder = {
  readonly secretId: string
  readonly key: string
  readonly environment: string
  readonly path: string
  readonly note: string | null
  readonly repeatDays: number
  /** When the value will have been the same for `repeatDays` days. */
  readonly dueAt: number
}

const dayMs = 24 * 60 * 60 * 1_000

/** When a reminder is due that counts from `countsFrom`. */
function dueAt(countsFrom: number, repeatDays: number): number {
  return countsFrom + repeatDays * dayMs
}

/** The reminders of a project that are due by a moment, the oldest first; only of secrets that the caller may know of. */
export async function listDueReminders(
  deps: SecretsDeps,
  session: Session,
  input: { readonly projectId: string; readonly dueBy: number | undefined },
): Promise<readonly Reminder[]> {
  return await answerRead(deps, session, async (scope) => {
    const { projectId } = input
    const snapshot = await projectForRead(scope, { kind: "id", id: projectId })
    requireAnywhere(scope.session.actor, "describeSecret", "secrets", { projectId, now: scope.now })
    const view = await viewProject(deps, scope, snapshot)
    const dueBy = input.dueBy ?? scope.now
    const due: Reminder[] = []
    for (const entry of await listReminders(scope.reader, projectId)) {
      const folder = snapshot.structure.folders.get(entry.folderId)
      const environment = snapshot.structure.environments.find((one) => one.id === folder?.environmentId)
      if (folder === undefined || environment === undefined) continue
      const record = (await snapshot.secretsOf(folder.id)).byKey.get(entry.key)
      if (record?.id !== entry.secretId || record.reminderRepeatDays === null) continue
      const at = dueAt(entry.countsFrom, record.reminderRepeatDays)
      const mayKnow = view.mayDescribe(resourceOf({ view, environment, folder }, record)) !== undefined
      if (at > dueBy || !mayKnow) continue
      due.push({
        secretId: record.id,
        key: record.key,
        environment: environment.slug,
        path: folder.path,
        note: record.reminderNote,
        repeatDays: record.reminderRepeatDays,
        dueAt: at,
      })
    }
    scope.audit("get-reminders", projectId, { numberOfReminders: due.length })
    return due.sort((left, right) => left.dueAt - right.dueAt || (left.secretId < right.secretId ? -1 : 1))
  })
}
