/** What folders that are deleted hold: prepared before the write, removed in it. */
import type { Session } from "../../actor.ts"
import type { EnvironmentRecord, FolderRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { TimeSlices } from "../../time-slices.ts"
import type { ProjectWrite } from "../../use-case/index.ts"
import {
  authorizeDeletionWith,
  carryOutRemoval,
  draftRemoval,
  type Removal,
  type SecretsDeps,
} from "../secrets/index.ts"

/** Who asks for a deletion, when, and in which project: what choosing the folders takes, before the write and in it. */
export type Asking = Pick<ProjectWrite, "actor" | "projectId" | "now" | "structure">

/**
 * Reads what folders hold, and makes the tombstones, before the write that deletes them: only that one keeps others
 * waiting.
 *
 * @param chosen the folders; it authorises the deletion of all but the secrets, so that nobody else has work done
 * @returns `undefined` when it cannot be done, for a reason that the write will find as well, and tell
 */
export async function prepareRemoval(
  deps: SecretsDeps,
  session: Session,
  projectId: string,
  chosen: (asking: Asking) => readonly FolderRecord[],
): Promise<Removal | undefined> {
  try {
    const snapshot = await deps.projects.catchUp(projectId)
    if (snapshot === undefined) return undefined
    const { structure, revision } = snapshot
    const folders = chosen({ actor: session.actor, projectId, now: deps.clock.now(), structure })
    const folderIds = folders.map((folder) => folder.id)
    const of = { projectId, folderIds, revision: revision + 1 }
    return await draftRemoval(deps.database.reader, deps.keyring, of, new TimeSlices())
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

/**
 * Tombstones the secrets of these folders; returns how many there were.
 *
 * @param of.holder what goes with all it holds, as a refusal names it
 * @param of.prepared by {@link prepareRemoval} for the same folders; it counts if the project has not changed since
 * @throws AppError "forbidden" when one of the shared secrets may not be deleted
 */
export async function removeSecretsOf(
  deps: SecretsDeps,
  write: ProjectWrite,
  of: {
    readonly environment: EnvironmentRecord
    readonly folders: readonly FolderRecord[]
    readonly holder: string
    readonly prepared: Removal | undefined
  },
): Promise<number> {
  const { projectId, revision } = write
  const { environment, folders, holder, prepared } = of
  const folderIds = folders.map((folder) => folder.id)
  const removal =
    prepared?.revision === revision
      ? prepared
      : await draftRemoval(write.db, deps.keyring, { projectId, folderIds, revision })
  for (const { id: folderId, environmentId, path } of folders) {
    const shared = removal.shared.get(folderId)
    if (shared === undefined) continue
    authorizeDeletionWith({ write }, { environment: environment.slug, path }, shared, holder)
    const keys = shared.map((secret) => secret.key)
    write.change({ kind: "secret:delete", environmentId, folderId, path, keys })
  }
  await carryOutRemoval(write, removal)
  return removal.tombstones.length
}
