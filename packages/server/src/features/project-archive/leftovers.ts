/** What imports leave behind that did not come to their end: a refused archive, a client that went, a server that died. */
import type { Database } from "../../db/database.ts"
import { giveUp, listAbandoned, listLeftovers, removeSlice } from "./leftovers-store.ts"
import type { ImportRef } from "./staging-store.ts"

export type LeftoverDeps = { readonly database: Database; readonly clock: { now(): number } }

/** An import writes more often than this, or its client is gone. */
const abandonedAfterMs = 15 * 60 * 1_000

/**
 * Removes half-done projects that nobody goes on with; they were never visible.
 *
 * @param isOnlyProcess whether every import on this database died with the process before this one
 */
export async function removeLeftovers(
  deps: LeftoverDeps,
  { isOnlyProcess = false }: { readonly isOnlyProcess?: boolean } = {},
): Promise<void> {
  const { database } = deps
  const before = isOnlyProcess ? Number.MAX_SAFE_INTEGER : deps.clock.now() - abandonedAfterMs
  for (const abandoned of await listAbandoned(database.reader, before)) {
    await database.write(({ db }) => giveUp(db, abandoned, before))
  }
  for (const id of await listLeftovers(database.reader)) await removeProject(deps, id)
}

/** Ends an import of this process and removes what it wrote; one that was given up is somebody else's matter already. */
export async function discardImport(deps: LeftoverDeps, of: ImportRef): Promise<void> {
  const isOurs = await deps.database.write(({ db }) => giveUp(db, of, Number.MAX_SAFE_INTEGER))
  if (isOurs) await removeProject(deps, of.projectId)
}

/** In slices: others write meanwhile. */
async function removeProject({ database }: LeftoverDeps, projectId: string): Promise<void> {
  while (await database.write(({ db }) => removeSlice(db, projectId)));
}
