/**
 * What goes with folders that are deleted. To read it and to make its tombstones takes the longer the more there is. Who
 * does so before the write has others wait for less; the write takes it if nothing happened to the project in between.
 */
import type { Reader } from "../../db/database.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import type { TimeSlices } from "../../time-slices.ts"
import type { ProjectWrite } from "../../use-case/index.ts"
import { type SecretName, writtenBy } from "./desk.ts"
import { sealTombstone } from "./sealing.ts"
import { walkLabels } from "./store.ts"
import { removeSecrets, type Tombstone } from "./tombstone-store.ts"

export type Removal = {
  /** Of the write that it was made for. */
  readonly revision: number
  /** The shared secrets by folder, for whoever asks for the rights to them. */
  readonly shared: ReadonlyMap<string, readonly SecretName[]>
  /** Also of everybody's overrides. */
  readonly tombstones: readonly Tombstone[]
}

/** Checking a row and making its tombstone, in units of {@link TimeSlices}. */
const unitsPerSecret = 2

/**
 * @param of `revision` is that of the write that will leave the tombstones
 * @param slices outside of a write, where others have their turn in between
 * @throws AppError "unavailable" when a row was changed by someone other than Coffer
 */
export async function draftRemoval(
  db: Reader,
  keyring: Keyring,
  of: { readonly projectId: string; readonly folderIds: readonly string[]; readonly revision: number },
  slices?: TimeSlices,
): Promise<Removal> {
  const shared = new Map<string, SecretName[]>()
  const tombstones: Tombstone[] = []
  for await (const label of walkLabels(db, keyring, of)) {
    const { folderId, userId, key, tagIds } = label
    if (userId === null) {
      const ofFolder = shared.get(folderId) ?? []
      ofFolder.push({ key, tagIds })
      shared.set(folderId, ofFolder)
    }
    tombstones.push(sealTombstone(keyring, label, of.revision))
    const pause = slices?.spend(unitsPerSecret)
    if (pause !== undefined) await pause
  }
  return { revision: of.revision, shared, tombstones }
}

/** Leaves the tombstones; the caller has authorised, and records the change. */
export async function carryOutRemoval(write: ProjectWrite, { tombstones }: Removal): Promise<void> {
  write.expectRows(tombstones.length)
  await removeSecrets(write.db, tombstones, { projectId: write.projectId, ...writtenBy(write) })
}
