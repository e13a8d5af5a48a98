import type { Clock } from "../../clock.ts"
import type { Database } from "../../db/database.ts"
import { type Cut, cutVersions, listForgetfulProjects, listOverdue, listOverLimit } from "./prune-store.ts"

const secretsPerWrite = 200
const dayMs = 86_400_000

/**
 * Takes away versions beyond the limit of their project, and the values of secrets that were deleted long enough ago;
 * never a current version, nor the record of a deletion. In slices, so that writers never wait for it; safe to run in
 * several processes, and again after any crash.
 *
 * @returns how many secrets lost versions
 */
export async function pruneHistory(deps: {
  readonly database: Database
  readonly clock: Clock
}): Promise<number> {
  const { database, clock } = deps
  const { reader } = database
  let count = 0
  for (const { id: projectId, versionLimit, trashDays } of await listForgetfulProjects(reader)) {
    const cut = async (find: () => Promise<readonly Cut[]>) => {
      for (let cuts = await find(); cuts.length > 0; cuts = await find()) {
        const slice = cuts
        await database.write(({ db }) => cutVersions(db, projectId, slice))
        count += slice.length
      }
    }
    if (versionLimit !== null) {
      await cut(() => listOverLimit(reader, { projectId, versionLimit }, secretsPerWrite))
    }
    if (trashDays !== null) {
      const before = clock.now() - trashDays * dayMs
      await cut(() => listOverdue(reader, { projectId, before }, secretsPerWrite))
    }
  }
  return count
}
