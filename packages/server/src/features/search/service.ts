import type { Session } from "../../actor.ts"
import type { SecretRecord, TagRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { TimeSlices } from "../../time-slices.ts"
import { answerRead } from "../../use-case/index.ts"
import { requireAnywhere } from "../authorization/index.ts"
import { projectForRead, requireEnvironment } from "../project-access/index.ts"
import {
  type FolderView,
  resourceOf,
  revealValue,
  type SecretsDeps,
  viewProject,
  type WalkPosition,
  walkSecrets,
} from "../secrets/index.ts"
import { type Criteria, matchesKey, matchesMetadata, matchesTags } from "./domain.ts"

export type SearchDeps = SecretsDeps

/** Where to search, and for how long. */
export type Search = {
  readonly projectId: string
  readonly criteria: Criteria
  /** The slug of one environment; `undefined` searches all. */
  readonly environment: string | undefined
  /** This folder and what is below it. */
  readonly path: string
  readonly after: WalkPosition | undefined
  readonly limit: number
  /** True when nobody waits for the answer any more. */
  readonly isAbandoned: () => boolean
}

/** A secret that was found: its name, not its value. */
export type FoundSecret = {
  readonly record: SecretRecord
  readonly environment: string
  readonly path: string
  readonly tags: readonly TagRecord[]
}

export type SearchPage = {
  readonly found: readonly FoundSecret[]
  /** Where to go on; `undefined` when everything was searched. */
  readonly next: WalkPosition | undefined
  readonly searched: number
}

/** One page looks at no more of what the caller may know of than this, so that a project that changes all the time can be searched too. */
const maxSearched = 5_000
/** Opening a value takes about as long as looking at this many names. */
const openingCost = 2

/**
 * One page of the secrets that match, by environment, path and key. A secret that the caller may not know of is not
 * looked at, nor is a value that it may not read.
 *
 * @throws AppError "forbidden" when the caller may know of no secret of the project; "not-found" for a project or an
 * environment that is missing
 */
export async function searchSecrets(deps: SearchDeps, session: Session, search: Search): Promise<SearchPage> {
  const slices = new TimeSlices(() => requireWaiting(search))
  return await answerRead(deps, session, async (scope) => {
    const snapshot = await projectForRead(scope, { kind: "id", id: search.projectId })
    const at = { projectId: snapshot.id, now: scope.now }
    requireAnywhere(scope.session.actor, "describeSecret", "secrets", at)
    const view = await viewProject(deps, scope, snapshot)
    const { structure } = snapshot
    const environments =
      search.environment === undefined
        ? structure.environments
        : [requireEnvironment(structure, search.environment)]
    const found: FoundSecret[] = []
    let searched = 0
    let last: WalkPosition | undefined
    let next: WalkPosition | undefined
    for await (const { place, record } of walkSecrets(view, { ...search, environments })) {
      if (found.length >= search.limit || searched >= maxSearched) {
        next = last
        break
      }
      if (!isKnowable(place, record)) {
        const pause = slices.spend(1)
        if (pause !== undefined) await pause
        continue
      }
      searched += 1
      last = { environmentId: place.environment.id, path: place.folder.path, key: record.key }
      const pause = slices.spend(search.criteria.valueContains === undefined ? 1 : openingCost)
      if (pause !== undefined) await pause
      if (matches(search.criteria, place, record)) found.push(present(place, record))
    }
    scope.audit("search-secrets", snapshot.id, {
      isByValue: search.criteria.valueContains !== undefined,
      numberOfSecrets: found.length,
      numberOfSearchedSecrets: searched,
    })
    return { found, next, searched }
  })
}

/** What the caller may not know of is neither counted, nor does a page end there: a cursor holds the name. */
function isKnowable(place: FolderView, record: SecretRecord): boolean {
  return place.view.mayDescribe(resourceOf(place, record)) !== undefined
}

function matches(criteria: Criteria, place: FolderView, record: SecretRecord): boolean {
  const { view } = place
  if (!matchesKey(criteria.key, record.key)) return false
  if (!matchesTags(criteria.tags, record, view.snapshot.structure.tags)) return false
  if (!matchesMetadata(criteria.metadata, record)) return false
  if (criteria.valueContains === undefined) return true
  const grant = view.mayReadValue(resourceOf(place, record))
  return grant !== undefined && revealValue(grant, view.opener, record).includes(criteria.valueContains)
}

function present(place: FolderView, record: SecretRecord): FoundSecret {
  const { tags } = place.view.snapshot.structure
  return {
    record,
    environment: place.environment.slug,
    path: place.folder.path,
    tags: record.tagIds.flatMap((id) => tags.get(id) ?? []),
  }
}

function requireWaiting(search: Search): void {
  if (search.isAbandoned()) {
    throw new AppError("invalid", "BadRequest", "The caller went away before the search ended")
  }
}
