/**
 * From what was changed to what its readers see differently: a change of a folder's secrets is also a change of every
 * folder that imports it, directly or through others. Pure.
 */
import type { EventName } from "@coffer/contract"
import { type EnvironmentRecord, folderPlace, type ProjectStructure } from "../cache/index.ts"
import type { StoredChange } from "./stored-change.ts"

/** One event of a project, at one folder. */
export type ProjectEvent = {
  readonly event: EventName
  readonly revision: number
  /** Position among the events of its revision, the same whenever they are made again. */
  readonly index: number
  readonly isLastOfRevision: boolean
  readonly environmentId: string
  readonly environment: string
  readonly path: string
  /** Empty for an import mutation. */
  readonly keys: readonly string[]
}

type Place = { readonly environmentId: string; readonly path: string }

const direct: Readonly<Record<string, EventName>> = {
  "secret:create": "secret:create",
  "secret:update": "secret:update",
  "secret:delete": "secret:delete",
  "secret:import-mutation": "secret:import-mutation",
  // What a folder shows moved with it, without any secret being written.
  folder: "secret:import-mutation",
}

/** The events of the given changes, in their order: first what was changed, then who imports it. */
export function projectEventsOf(
  structure: ProjectStructure,
  changes: readonly StoredChange[],
): ProjectEvent[] {
  const environments = new Map(structure.environments.map((one) => [one.id, one]))
  const importersOf = importersBySource(structure)
  return [...Map.groupBy(changes, (change) => change.revision).values()].flatMap((ofRevision) =>
    eventsOfRevision(environments, importersOf, ofRevision),
  )
}

function eventsOfRevision(
  environments: ReadonlyMap<string, EnvironmentRecord>,
  importersOf: ReadonlyMap<string, readonly Place[]>,
  changes: readonly StoredChange[],
): ProjectEvent[] {
  const events: Omit<ProjectEvent, "isLastOfRevision">[] = []
  const touched: Place[] = []
  for (const change of changes) {
    const event = direct[change.kind]
    const { environmentId, path, keys, revision, ordinal: index } = change
    const environment = environments.get(environmentId ?? "")?.slug
    if (event === undefined || environmentId === null || path === null || environment === undefined) continue
    touched.push({ environmentId, path })
    events.push({ event, revision, index, environmentId, environment, path, keys })
  }
  const after = (changes.at(-1)?.ordinal ?? 0) + 1
  for (const [position, place] of importersAbove(importersOf, touched).entries()) {
    events.push({
      event: "secret:import-mutation",
      revision: changes[0]?.revision ?? 0,
      index: after + position,
      ...place,
      environment: environments.get(place.environmentId)?.slug ?? "",
      keys: [],
    })
  }
  return events.map((event, position) => ({ ...event, isLastOfRevision: position === events.length - 1 }))
}

function importersBySource(structure: ProjectStructure): ReadonlyMap<string, readonly Place[]> {
  const bySource = new Map<string, Place[]>()
  for (const { folderId, importEnvironmentId, importPath } of [...structure.imports.values()].flat()) {
    const folder = structure.folders.get(folderId)
    if (folder === undefined) continue
    const source = folderPlace(importEnvironmentId, importPath)
    const importers = bySource.get(source)
    if (importers === undefined) bySource.set(source, [folder])
    else importers.push(folder)
  }
  return bySource
}

/** Every folder that shows something of the touched ones, each once; imports may go round in circles. */
function importersAbove(
  importersOf: ReadonlyMap<string, readonly Place[]>,
  touched: readonly Place[],
): readonly Place[] {
  const seen = new Set(touched.map((place) => folderPlace(place.environmentId, place.path)))
  const found: Place[] = []
  let edge: readonly Place[] = touched
  while (edge.length > 0) {
    const next: Place[] = []
    for (const place of edge) {
      for (const { environmentId, path } of importersOf.get(folderPlace(place.environmentId, place.path)) ??
        []) {
        const name = folderPlace(environmentId, path)
        if (seen.has(name)) continue
        seen.add(name)
        next.push({ environmentId, path })
      }
    }
    for (const place of next) found.push(place)
    edge = next
  }
  return found.sort(
    (left, right) => compare(left.environmentId, right.environmentId) || compare(left.path, right.path),
  )
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
