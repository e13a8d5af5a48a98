/** What imports leave behind that did not come to their end: a refused archive, a client that went, a server that died. */
import type { Database } from "../../db/database.ts"
import { removeRows } from "../project-removal/index.ts"
import { giveUp, listAbandoned } from "./leftovers-store.ts"
import type { ImportRef } from "./staging-store.ts"

export type LeftoverDeps = { readonly database: Database; readonly clock: { now(): number } }

/** An import writes more often than this, or its client is gone. */
const abandonedAfterMs = 15 * 60 * 1_000

/**
 * Gives up imports that nobody goes on with: what they wrote was never visible, and can be removed from now on.
 *
 * @param isOnlyProcess whether every import on this database died with the process before this one
 */
export async function giveUpAbandoned(
  { database, clock }: LeftoverDeps,
  { isOnlyProcess = false }: { readonly isOnlyProcess?: boolean } = {},
): Promise<void> {
  const before = isOnlyProcess ? Number.MAX_SAFE_INTEGER : clock.now() - abandonedAfterMs
  for (const abandoned of await listAbandoned(database.reader, before)) {
    await database.write(({ db }) => giveUp(db, abandoned, before))
  }
}

/** Ends an import of this process and removes what it wrote; one that was given up is somebody else's matter already. */
export async function discardImport(deps: LeftoverDeps, of: ImportRef): Promise<void> {
  const isOurs = await deps.database.write(({ db }) => giveUp(db, of, Number.MAX_SAFE_INTEGER))
  if (isOurs) await removeRows(deps, of.projectId)
}
