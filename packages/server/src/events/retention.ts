import type { Clock } from "../clock.ts"
import type { Database } from "../db/database.ts"
import { findFloor, findPrunableRevision, listProjectIds, prune } from "./store.ts"

export type RetentionLimits = {
  /** Changes older than this are forgotten. */
  readonly maxAgeMs: number
  /** Of each project at most this many of the newest revisions are kept, however young. */
  readonly maxRevisions: number
}

const defaultRetention: RetentionLimits = {
  maxAgeMs: 30 * 24 * 60 * 60 * 1_000,
  maxRevisions: 100_000,
}

const projectsPerPage = 200
const revisionsPerWrite = 2_000

/**
 * Forgets old changes of all projects, a few per commit, so that writers never wait for it. How far the feed reaches
 * back is kept with it: who asks for more is told. Safe to run in several processes, and again after any crash.
 */
export async function pruneChanges(
  deps: { readonly database: Database; readonly clock: Clock },
  limits: RetentionLimits = defaultRetention,
): Promise<void> {
  const { database } = deps
  const before = deps.clock.now() - limits.maxAgeMs
  let after = ""
  for (;;) {
    const projectIds = await listProjectIds(database.reader, after, projectsPerPage)
    for (const projectId of projectIds) {
      const upTo = await findPrunableRevision(database.reader, projectId, {
        before,
        maxRevisions: limits.maxRevisions,
      })
      let floor = await findFloor(database.reader, projectId)
      while (floor < upTo) {
        floor = Math.min(upTo, floor + revisionsPerWrite)
        await database.write(({ db }) => prune(db, projectId, floor))
      }
    }
    const last = projectIds.at(-1)
    if (last === undefined || projectIds.length < projectsPerPage) return
    after = last
  }
}
