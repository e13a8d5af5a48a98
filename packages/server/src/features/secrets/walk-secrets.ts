import {
  compareKeys,
  type EnvironmentRecord,
  findFolder,
  folderWithDescendants,
  type SecretRecord,
} from "../../cache/index.ts"
import type { FolderView, ProjectView } from "./reading.ts"

/** A place in the order of {@link walkSecrets}. */
export type WalkPosition = { readonly environmentId: string; readonly path: string; readonly key: string }

/** Which part of a project to walk through. */
export type WalkRange = {
  readonly environments: readonly EnvironmentRecord[]
  /** This folder and what is below it. */
  readonly path: string
  /** Begins behind this secret. */
  readonly after?: WalkPosition | undefined
}

/** Every shared secret in the range: by environment, then by path, then by key. Says nothing of rights. */
export async function* walkSecrets(
  view: ProjectView,
  range: WalkRange,
): AsyncGenerator<{ readonly place: FolderView; readonly record: SecretRecord }> {
  const { snapshot } = view
  const start = range.environments.findIndex((one) => one.id === range.after?.environmentId)
  for (const environment of range.environments.slice(Math.max(start, 0))) {
    const top = findFolder(snapshot.structure, environment.id, range.path)
    const after = environment.id === range.after?.environmentId ? range.after : undefined
    for (const folder of top === undefined ? [] : folderWithDescendants(snapshot.structure, top)) {
      if (after !== undefined && folder.path < after.path) continue
      const { byKey } = await snapshot.secretsOf(folder.id)
      const isSameFolder = after?.path === folder.path
      for (const record of byKey.values()) {
        if (isSameFolder && after !== undefined && compareKeys(record.key, after.key) <= 0) continue
        yield { place: { view, environment, folder }, record }
      }
    }
  }
}
