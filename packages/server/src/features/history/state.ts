/** What a project holds, or held at a revision, without values. Pure. */

export type EnvironmentState = {
  readonly id: string
  readonly name: string
  readonly slug: string
  readonly position: number
}

export type FolderState = {
  readonly id: string
  readonly environmentId: string
  /** null for the root of an environment. */
  readonly parentId: string | null
  readonly name: string
  readonly description: string | null
}

export type ImportState = {
  readonly id: string
  readonly folderId: string
  readonly importEnvironmentId: string
  readonly importPath: string
  readonly position: number
  readonly isReplication: boolean
}

/** A shared secret; `version` says which of its versions holds what it says. */
export type SecretState = {
  readonly id: string
  readonly environmentId: string
  readonly folderId: string
  readonly key: string
  readonly version: number
}

export type Contents = {
  readonly environments: ReadonlyMap<string, EnvironmentState>
  readonly folders: ReadonlyMap<string, FolderState>
  readonly imports: ReadonlyMap<string, ImportState>
  readonly secrets: ReadonlyMap<string, SecretState>
}

/** Whether a secret is in the same folder of the same environment: a folder may have moved with what it holds. */
export function isAtHome(was: SecretState, will: SecretState): boolean {
  return was.folderId === will.folderId && was.environmentId === will.environmentId
}

/** What some records shall be; `undefined` for gone. What is not named stays as it is. */
export type Wanted = {
  readonly environments: Map<string, EnvironmentState>
  readonly folders: Map<string, FolderState | undefined>
  readonly imports: Map<string, ImportState | undefined>
  readonly secrets: Map<string, SecretState | undefined>
  /** The folders whose contents are asked about. */
  readonly lookedAt: Set<string>
}

export function nothingWanted(): Wanted {
  return {
    environments: new Map(),
    folders: new Map(),
    imports: new Map(),
    secrets: new Map(),
    lookedAt: new Set(),
  }
}

/** The path of a folder from the root of its environment; `undefined` when the folder, or one above it, is missing. */
export function pathOf(contents: Pick<Contents, "folders">, folderId: string): string | undefined {
  const names: string[] = []
  let current = contents.folders.get(folderId)
  while (current !== undefined && current.parentId !== null) {
    if (names.length > contents.folders.size) return undefined
    names.unshift(current.name)
    current = contents.folders.get(current.parentId)
  }
  return current === undefined ? undefined : `/${names.join("/")}`
}

/** The folder at a path of an environment; `undefined` when there is none. */
export function folderAt(contents: Contents, environmentId: string, path: string): FolderState | undefined {
  const names = path === "/" ? [] : path.slice(1).split("/")
  const inEnvironment = [...contents.folders.values()].filter((one) => one.environmentId === environmentId)
  let current = inEnvironment.find((one) => one.parentId === null)
  for (const name of names) {
    const parentId = current?.id
    current = inEnvironment.find((one) => one.parentId === parentId && one.name === name)
    if (current === undefined) return undefined
  }
  return current
}

/** The folder and everything below it, parents first; empty when it is not there. */
export function withDescendants(contents: Pick<Contents, "folders">, topId: string): readonly FolderState[] {
  const top = contents.folders.get(topId)
  if (top === undefined) return []
  const children = Map.groupBy(contents.folders.values(), (folder) => folder.parentId)
  const found = [top]
  for (let index = 0; index < found.length; index += 1) {
    const folder = found[index] as FolderState
    for (const child of children.get(folder.id) ?? []) found.push(child)
  }
  return found
}
