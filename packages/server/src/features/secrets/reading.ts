/**
 * A project as one request reads it: structure, key and rights together, so that nothing is opened without asking.
 */
import {
  type EnvironmentRecord,
  type FolderRecord,
  findEnvironment,
  findFolder,
  type ProjectSnapshot,
  type SecretRecord,
} from "../../cache/index.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import type { AnswerBasis, ReadDeps, ReadScope } from "../../use-case/index.ts"
import {
  authorize,
  type Gate,
  type Grant,
  gateFor,
  type Resource,
  rightsFingerprint,
} from "../authorization/index.ts"
import type { OpenedSecret } from "./domain.ts"
import { type Opener, revealDescription, revealValue } from "./sealing.ts"

export type SecretsDeps = ReadDeps & { readonly keyring: Keyring }

/** What was read, and a seed that is the same as long as the answer would be. */
export type Reading<T> = {
  readonly seed: string
  readonly found: T
  /** Absent when the answer has to be made each time. */
  readonly basis?: AnswerBasis | undefined
}

/** What a caller sees of a project. */
export type ProjectView = {
  readonly snapshot: ProjectSnapshot
  readonly opener: Opener
  readonly mayDescribe: Gate<"describeSecret">
  readonly mayReadValue: Gate<"readValue">
}

/** A folder in its environment, as a caller sees it. */
export type FolderView = {
  readonly view: ProjectView
  readonly environment: EnvironmentRecord
  readonly folder: FolderRecord
}

/** @throws AppError "forbidden" when the caller is not a member of the project */
export async function viewProject(
  deps: SecretsDeps,
  scope: ReadScope,
  snapshot: ProjectSnapshot,
): Promise<ProjectView> {
  const { actor } = scope.session
  const at = { projectId: snapshot.id, now: scope.now }
  return {
    snapshot,
    opener: { sealer: await deps.keyring.forProject(snapshot.id), orgId: actor.orgId },
    mayDescribe: gateFor(actor, "describeSecret", "secrets", at),
    mayReadValue: gateFor(actor, "readValue", "secrets", at),
  }
}

/** `undefined` when there is no such environment or no such folder in it. */
export function folderView(view: ProjectView, environment: string, path: string): FolderView | undefined {
  const { structure } = view.snapshot
  const found = findEnvironment(structure, environment)
  const folder = found === undefined ? undefined : findFolder(structure, found.id, path)
  return found === undefined || folder === undefined ? undefined : { view, environment: found, folder }
}

/** What rules can be asked about: a secret, or with no record the folder as a whole. */
export function resourceOf(place: FolderView, record?: SecretRecord): Resource {
  const { environment, folder, view } = place
  const where = { environment: environment.slug, secretPath: folder.path }
  if (record === undefined) return where
  const { tags } = view.snapshot.structure
  const secretTags = record.tagIds.flatMap((id) => tags.get(id)?.slug ?? [])
  return { ...where, secretName: record.key, secretTags }
}

/** A secret of a folder, opened as far as the grants reach. */
function openSecret(
  place: FolderView,
  record: SecretRecord,
  grants: { readonly describe: Grant<"describeSecret">; readonly value: Grant<"readValue"> | undefined },
): OpenedSecret {
  const { view, environment, folder } = place
  const description = revealDescription(grants.describe, view.opener, record, grants.value)
  return {
    record,
    environment: environment.slug,
    path: folder.path,
    value: grants.value === undefined ? undefined : revealValue(grants.value, view.opener, record),
    comment: description.comment,
    metadata: description.metadata,
    tags: record.tagIds.flatMap((id) => view.snapshot.structure.tags.get(id) ?? []),
  }
}

/** As {@link openSecret}; `undefined` when the caller may not even know of the secret. */
export function openIfAllowed(
  place: FolderView,
  record: SecretRecord,
  viewValue: boolean,
): OpenedSecret | undefined {
  const resource = resourceOf(place, record)
  const describe = place.view.mayDescribe(resource)
  if (describe === undefined) return undefined
  return openSecret(place, record, {
    describe,
    value: viewValue ? place.view.mayReadValue(resource) : undefined,
  })
}

/** @throws AppError "forbidden" when the caller may not know of the secret, or not read the value it wants */
export function openOrRefuse(
  scope: ReadScope,
  place: FolderView,
  record: SecretRecord,
  viewValue: boolean,
): OpenedSecret {
  const { actor } = scope.session
  const at = { projectId: place.view.snapshot.id, now: scope.now, resource: resourceOf(place, record) }
  const describe = authorize(actor, "describeSecret", "secrets", at)
  return openSecret(place, record, {
    describe,
    value: viewValue ? authorize(actor, "readValue", "secrets", at) : undefined,
  })
}

/**
 * Where a secret of this name would be hidden from the caller, a missing one looks as a hidden one does: names cannot be
 * tried out. Which tags it would have nobody knows, so that a rule that hides by tags hides it.
 *
 * @throws AppError "forbidden"
 */
export function requireMayMiss(
  scope: ReadScope,
  view: ProjectView,
  of: { readonly environment: string; readonly path: string; readonly key: string },
): void {
  const resource = { environment: of.environment, secretPath: of.path, secretName: of.key }
  const at = { projectId: view.snapshot.id, now: scope.now, resource }
  authorize(scope.session.actor, "describeSecret", "secrets", at)
}

/**
 * What the answer was made from: every project that was looked at with its revision, the caller's rights there, and
 * what was looked for in vain.
 */
export function seedOf(scope: ReadScope, missing: readonly string[] = []): string {
  const { actor } = scope.session
  const parts: string[] = []
  for (const [projectId, revision] of scope.basis) {
    parts.push(`${projectId}:${revision}:${rightsFingerprint(actor, projectId, scope.now)}`)
  }
  if (parts.length > 1) parts.sort()
  return missing.length === 0 ? parts.join(" ") : `${parts.join(" ")} ${[...missing].sort().join(" ")}`
}
