import type { ProjectCache } from "../cache/index.ts"
import type { Reader } from "../db/database.ts"
import { type ProjectEvent, projectEventsOf } from "./project-events.ts"
import { findFloor, findRevision, listChanges } from "./store.ts"

export type FeedDeps = {
  readonly database: { readonly reader: Reader }
  readonly projects: ProjectCache
}

/** A place in the feed: after all of `revision`, or in the middle of it, after the event `index`. */
export type FeedPosition = { readonly revision: number; readonly index?: number }

/** What came after a position, up to all of `upTo`. */
export type FeedPage = { readonly events: readonly ProjectEvent[]; readonly upTo: number }

const revisionsPerPage = 200

/**
 * The next page after a position; `undefined` when there is nothing newer than `position`, or the project is gone.
 *
 * @param limit read no revision after this one
 */
export async function readFeed(
  deps: FeedDeps,
  projectId: string,
  position: FeedPosition,
  limit = Number.MAX_SAFE_INTEGER,
): Promise<FeedPage | undefined> {
  const { reader } = deps.database
  const current = await findRevision(reader, projectId)
  const from = position.index === undefined ? position.revision : position.revision - 1
  if (current === undefined || Math.min(current, limit) <= from) return undefined
  const upTo = Math.min(current, limit, from + revisionsPerPage)
  const changes = await listChanges(reader, projectId, { after: from, upTo })
  if (changes.length === 0) return { events: [], upTo }
  const events = await toEvents(deps, projectId, changes)
  return { events: events.filter((event) => isAfter(event, position)), upTo }
}

/** True when the feed still holds everything after `position`, and `position` lies in it. */
export async function reachesBackTo(
  deps: FeedDeps,
  projectId: string,
  position: FeedPosition,
): Promise<boolean> {
  const { reader } = deps.database
  const current = await findRevision(reader, projectId)
  if (current === undefined || position.revision > current) return false
  const from = position.index === undefined ? position.revision : position.revision - 1
  return from >= (await findFloor(reader, projectId))
}

async function toEvents(
  deps: FeedDeps,
  projectId: string,
  changes: Awaited<ReturnType<typeof listChanges>>,
): Promise<readonly ProjectEvent[]> {
  const newest = changes.at(-1)?.revision ?? 0
  const cached = await deps.projects.get(projectId)
  const snapshot =
    cached !== undefined && cached.revision < newest ? await deps.projects.catchUp(projectId) : cached
  if (snapshot === undefined) return []
  return projectEventsOf(snapshot.structure, changes)
}

function isAfter(event: ProjectEvent, position: FeedPosition): boolean {
  if (event.revision !== position.revision) return event.revision > position.revision
  return position.index !== undefined && event.index > position.index
}
