import type { SubscribeBody } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import { reachesBackTo } from "../../events/index.ts"
import { answerRead, type ReadDeps } from "../../use-case/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { parsePosition, type Registration } from "./domain.ts"
import type { Subscription } from "./event-stream.ts"
import { requireSubscribable } from "./rights.ts"

export type SubscribeInput = {
  readonly projectId: string
  readonly register: SubscribeBody["register"]
  readonly lastEventId: string | undefined
}

/**
 * Lets an actor listen to a project, and says from where. Audited before anything is sent.
 *
 * @throws AppError "not-found" when there is no such project, "forbidden" for strangers and for missing rights
 */
export async function subscribe(
  deps: ReadDeps,
  session: Session,
  input: SubscribeInput,
): Promise<Subscription & { readonly revision: number }> {
  const registrations = input.register.map(
    ({ event, conditions }): Registration => ({
      event,
      place:
        conditions === null || conditions === undefined
          ? undefined
          : { environment: conditions.environmentSlug, path: conditions.secretPath },
    }),
  )
  const opened = await answerRead(deps, session, async (scope) => {
    const { id, revision } = await projectForRead(scope, { kind: "id", id: input.projectId })
    requireSubscribable(scope.session.actor, registrations, { projectId: id, now: scope.now })
    const register = registrations.map(({ event, place }) => ({
      event,
      ...(place === undefined ? {} : { environment: place.environment, secretPath: place.path }),
    }))
    scope.audit("subscribe-project-events", id, { register })
    return { session: scope.session, projectId: id, revision }
  })
  return { ...opened, registrations, ...(await startOf(deps, opened, input.lastEventId)) }
}

/** After the client's last event if the feed still holds what followed, else here and now. */
async function startOf(
  deps: ReadDeps,
  opened: { readonly projectId: string; readonly revision: number },
  lastEventId: string | undefined,
): Promise<Pick<Subscription, "position" | "hasMissed">> {
  if (lastEventId === undefined) return { position: opened, hasMissed: false }
  const position = parsePosition(lastEventId)
  if (position !== undefined && (await reachesBackTo(deps, opened.projectId, position))) {
    return { position, hasMissed: false }
  }
  return { position: { revision: opened.revision }, hasMissed: true }
}
