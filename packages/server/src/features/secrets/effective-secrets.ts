import type { SecretRecord } from "../../cache/index.ts"
import type { ReadScope } from "../../use-case/index.ts"
import { type OwnOverrides, ownOverrides } from "./personal-secrets.ts"
import type { FolderView, SecretsDeps } from "./reading.ts"

/** Which record counts for this answer where a shared one was found; in imports and behind references too. */
export type Effective = (place: FolderView, shared: SecretRecord) => SecretRecord | Promise<SecretRecord>

/** Shared secrets as they are. */
export const sharedOnly: Effective = (_place, shared) => shared

/** The caller's own values in the place of the shared ones (INF#2812, INF#4842). */
export function withOwnOverrides(deps: SecretsDeps, scope: ReadScope): Effective {
  const byFolder = new Map<string, Promise<OwnOverrides>>()
  return async ({ view, folder }, shared) => {
    const at = { projectId: view.snapshot.id, folderIds: [folder.id] }
    const known = byFolder.get(folder.id) ?? ownOverrides(deps, scope, at)
    byFolder.set(folder.id, known)
    return (await known).of(shared) ?? shared
  }
}
