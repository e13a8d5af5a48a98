import type { Actor } from "../../actor.ts"
import type { ProjectEvent } from "../../events/index.ts"
import { authorize, gateFor, requireAnywhere } from "../authorization/index.ts"
import { type Registration, subscribeActions } from "./domain.ts"
import type { Ear } from "./event-stream.ts"

type At = { readonly projectId: string; readonly now: number }

/**
 * Every entry needs the right to its event at its place; one about the whole project needs it somewhere, and hears of
 * what lies there.
 *
 * @throws AppError "forbidden"
 */
export function requireSubscribable(actor: Actor, registrations: readonly Registration[], at: At): void {
  for (const { event, place } of registrations) {
    const action = subscribeActions[event]
    if (place === undefined) {
      requireAnywhere(actor, action, "secret-events", at)
      continue
    }
    const resource = { environment: place.environment, secretPath: place.path }
    authorize(actor, action, "secret-events", { ...at, resource })
  }
}

/**
 * Judges each event where it happened: the pattern that was subscribed to may reach further than the rights. Names of
 * secrets that the actor may not see are left out.
 */
export function earOf(actor: Actor, at: At): Ear {
  const describe = gateFor(actor, "describeSecret", "secrets", at)
  const gates = new Map(
    Object.entries(subscribeActions).map(([event, action]) => [
      event,
      gateFor(actor, action, "secret-events", at),
    ]),
  )
  return (event: ProjectEvent) => {
    const place = { environment: event.environment, secretPath: event.path }
    if (gates.get(event.event)?.(place) === undefined) return undefined
    if (event.event === "secret:import-mutation") return []
    const keys = event.keys.filter((secretName) => describe({ ...place, secretName }) !== undefined)
    return keys.length === 0 ? undefined : keys
  }
}
