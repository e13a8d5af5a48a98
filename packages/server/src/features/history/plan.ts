/** From what is and what shall be to the steps between, and to what stands in the way. Pure. */
import { excessOf } from "../folders/index.ts"
import {
  type Contents,
  type EnvironmentState,
  type FolderState,
  type ImportState,
  pathOf,
  type SecretState,
  type Wanted,
} from "./state.ts"

/** One record that changes: without `was` it comes, without `will` it goes. */
export type Step<T> = { readonly id: string; readonly was: T | undefined; readonly will: T | undefined }

export type Plan = {
  readonly environments: readonly EnvironmentState[]
  /** Parents before children, as they will be. */
  readonly folders: readonly Step<FolderState>[]
  readonly imports: readonly Step<ImportState>[]
  readonly secrets: readonly Step<SecretState>[]
  readonly now: Contents
  readonly after: Contents
  /** Why it cannot be done, each with what to do about it. */
  readonly conflicts: readonly string[]
  /** What will be missing. */
  readonly notes: readonly string[]
}

export function planSteps(now: Contents, wanted: Wanted): Plan {
  const environments = overlay(now.environments, wanted.environments)
  const folders = overlay(now.folders, wanted.folders)
  const secrets = overlay(now.secrets, wanted.secrets)
  const { imports, notes } = usableImports(now, wanted, environments)
  const after: Contents = { environments, folders, secrets, imports: overlay(now.imports, imports) }
  return {
    environments: [...wanted.environments.values()].filter((one) => !now.environments.has(one.id)),
    folders: inOrder(after, stepsOf(now.folders, wanted.folders)),
    imports: stepsOf(now.imports, imports),
    secrets: stepsOf(now.secrets, wanted.secrets),
    now,
    after,
    conflicts: [...environmentConflicts(after), ...folderConflicts(after), ...secretConflicts(after)],
    notes,
  }
}

function overlay<T>(
  now: ReadonlyMap<string, T>,
  wanted: ReadonlyMap<string, T | undefined>,
): ReadonlyMap<string, T> {
  const after = new Map(now)
  for (const [id, state] of wanted) {
    if (state === undefined) after.delete(id)
    else after.set(id, state)
  }
  return after
}

function stepsOf<T extends object>(
  now: ReadonlyMap<string, T>,
  wanted: ReadonlyMap<string, T | undefined>,
): readonly Step<T>[] {
  const steps: Step<T>[] = []
  for (const [id, will] of wanted) {
    const was = now.get(id)
    if (!isSame(was, will)) steps.push({ id, was, will })
  }
  return steps
}

function isSame(left: object | undefined, right: object | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  const fields = right as Readonly<Record<string, unknown>>
  return Object.entries(left).every(([name, value]) => fields[name] === value)
}

function inOrder(after: Contents, steps: readonly Step<FolderState>[]): readonly Step<FolderState>[] {
  const depthOf = (step: Step<FolderState>) => pathOf(after, step.id)?.split("/").length ?? 0
  const isRoot = (step: Step<FolderState>) => step.will?.parentId === null
  const ranked = steps.map((step) => ({ step, depth: isRoot(step) ? -1 : depthOf(step) }))
  return ranked.sort((left, right) => left.depth - right.depth).map(({ step }) => step)
}

/** An import of an environment that is gone cannot come back; the others close ranks. */
function usableImports(
  now: Contents,
  wanted: Wanted,
  environments: ReadonlyMap<string, EnvironmentState>,
): { readonly imports: Wanted["imports"]; readonly notes: readonly string[] } {
  const imports: Wanted["imports"] = new Map(wanted.imports)
  const touched = new Set<string>()
  const notes: string[] = []
  for (const [id, state] of imports) {
    if (state === undefined || environments.has(state.importEnvironmentId)) continue
    imports.set(id, undefined)
    touched.add(state.folderId)
    notes.push(`An import of '${state.importPath}' is left out: the environment that it showed was deleted`)
  }
  for (const folderId of touched) {
    const ofFolder = [...overlay(now.imports, imports).values()]
      .filter((one) => one.folderId === folderId)
      .sort((left, right) => left.position - right.position)
    for (const [index, one] of ofFolder.entries()) imports.set(one.id, { ...one, position: index + 1 })
  }
  return { imports, notes }
}

function environmentConflicts({ environments }: Contents): readonly string[] {
  return twins(environments.values(), (one) => one.slug).map(
    ({ slug }) =>
      `Another environment has the slug '${slug}' now: give it another slug, or delete it, and try again`,
  )
}

function folderConflicts(after: Contents): readonly string[] {
  const all = [...after.folders.values()]
  const homeless = all.filter((folder) => !after.environments.has(folder.environmentId))
  const orphans = all.filter((folder) => !homeless.includes(folder) && isOrphan(after, folder))
  const taken = twins(all, (one) => `${one.environmentId}/${one.parentId}/${one.name}`)
  return [
    ...homeless.map(
      ({ id }) => `The environment of '${pathOf(after, id)}' is gone: restore it from the trash first`,
    ),
    ...orphans.map(
      ({ name }) => `The folder above '${name}' is gone: restore that folder from the trash first`,
    ),
    ...all.flatMap(({ id, name }) => {
      const excess = excessOf(pathOf(after, id) ?? "/")
      return excess === undefined ? [] : [`'${name}' would ${excess}: move what it lies in further up`]
    }),
    ...taken.map(({ id }) => `Another folder is at '${pathOf(after, id)}' now: rename it and try again`),
  ]
}

function isOrphan(after: Contents, folder: FolderState): boolean {
  if (folder.parentId === null) return false
  const parent = after.folders.get(folder.parentId)
  return parent === undefined || parent.environmentId !== folder.environmentId
}

function secretConflicts(after: Contents): readonly string[] {
  const orphans = [...after.secrets.values()].filter((one) => !after.folders.has(one.folderId))
  const taken = twins(after.secrets.values(), (one) => `${one.folderId}/${one.key}`)
  return [
    ...orphans.map(({ key }) => `The folder of '${key}' is gone: restore that folder from the trash first`),
    ...taken.map(
      ({ key, folderId }) =>
        `Another secret is named '${key}' in '${pathOf(after, folderId)}' now: rename or delete it and try again`,
    ),
  ]
}

/** Those after the first of each name. */
function twins<T>(all: Iterable<T>, nameOf: (one: T) => string): readonly T[] {
  return [...Map.groupBy(all, nameOf).values()].flatMap((same) => same.slice(1))
}
