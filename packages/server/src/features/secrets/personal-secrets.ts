/**
 * Personal secrets: a user's own value in the place of a shared one. They are read from the database, never from the
 * shared cache, and only ever by their owner's id: nobody else's can be asked for (contract 3.6).
 */
import type { SecretRecord } from "../../cache/index.ts"
import type { ReadScope } from "../../use-case/index.ts"
import { listOverridesOf } from "./override-store.ts"
import type { SecretsDeps } from "./reading.ts"
import { findSecrets } from "./store.ts"

/** The caller's overrides, by the folder and key of the shared secrets. */
export type OwnOverrides = { of(record: SecretRecord): SecretRecord | undefined }

const none: OwnOverrides = { of: () => undefined }

/** The caller's overrides in these folders; an identity has none (gotcha 22). */
export async function ownOverrides(
  deps: SecretsDeps,
  scope: ReadScope,
  at: { readonly projectId: string; readonly folderIds: readonly string[] },
): Promise<OwnOverrides> {
  const { actor } = scope.session
  if (actor.kind !== "user") return none
  const found = await listOverridesOf(scope.reader, deps.keyring, { ...at, userId: actor.id })
  const byPlace = new Map(found.map((record) => [`${record.folderId}/${record.key}`, record]))
  return { of: (record) => byPlace.get(`${record.folderId}/${record.key}`) }
}

/** The caller's override of one key; `undefined` when there is none, as for every identity. */
export async function findOwnOverride(
  deps: SecretsDeps,
  scope: ReadScope,
  at: { readonly projectId: string; readonly folderId: string; readonly key: string },
): Promise<SecretRecord | undefined> {
  const { actor } = scope.session
  if (actor.kind !== "user") return undefined
  const { projectId, folderId, key } = at
  const where = { projectId, folderId, userId: actor.id, keys: [key] }
  return (await findSecrets(scope.reader, deps.keyring, where)).get(key)
}

/** What an answer that may hold personal values adds to its seed: another user's answer is another one. */
export function personalSeed(scope: ReadScope, isPersonal: boolean): readonly string[] {
  const { actor } = scope.session
  return isPersonal && actor.kind === "user" ? [`user:${actor.id}`] : []
}
