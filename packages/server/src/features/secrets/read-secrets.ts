import type { Session } from "../../actor.ts"
import {
  type FolderRecord,
  findFolder,
  folderWithDescendants,
  type ProjectStructure,
  type SecretRecord,
} from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { TimeSlices } from "../../time-slices.ts"
import { answerRead, type ReadScope } from "../../use-case/index.ts"
import { authorize, type Resource, refusalOf, requireAnywhere } from "../authorization/index.ts"
import {
  type ProjectRef,
  projectForRead,
  requireEnvironment,
  requireFolder,
} from "../project-access/index.ts"
import { type OpenedSecret, secretNotFound } from "./domain.ts"
import { sharedOnly, withOwnOverrides } from "./effective-secrets.ts"
import { filterSecrets, type SecretFilter } from "./filters.ts"
import { findPlaceOfSecret } from "./find-secret.ts"
import { importedByKey } from "./imports.ts"
import { importAuditFields, listImported, type OpenedImport } from "./list-imported.ts"
import { findOwnOverride, type OwnOverrides, ownOverrides, personalSeed } from "./personal-secrets.ts"
import {
  type FolderView,
  openIfAllowed,
  openOrRefuse,
  type ProjectView,
  type Reading,
  requireMayMiss,
  resourceOf,
  type SecretsDeps,
  seedOf,
  viewProject,
} from "./reading.ts"
import { type Found, References } from "./resolve-references.ts"
import { auditedMetadata } from "./sealing.ts"
import {
  findHistoryOfSecret,
  findVersion,
  listVersions,
  type SecretHistory,
  type VersionEntry,
} from "./version-store.ts"

export type { Reading, SecretsDeps } from "./reading.ts"

/** Where to read, and how much to show. */
export type ReadPlace = {
  readonly project: ProjectRef
  readonly environment: string
  readonly path: string
  readonly expand: boolean
  readonly viewValue: boolean
  readonly includeImports: boolean
}

/**
 * One secret, or one of its versions; with `includeImports` also one that the folder imports, the last import first.
 *
 * @throws AppError "not-found" naming what is missing: project, environment, folder or secret; "forbidden" when the
 * caller may not read it, or not what it refers to, or may not know whether it is there
 */
export async function getSecret(
  deps: SecretsDeps,
  session: Session,
  input: ReadPlace & {
    readonly key: string
    readonly type: "shared" | "personal"
    readonly version: number | undefined
  },
): Promise<Reading<OpenedSecret>> {
  return await answerRead(deps, session, async (scope) => {
    const known = projectForRead(scope, input.project)
    const snapshot = known instanceof Promise ? await known : known
    const view = await viewProject(deps, scope, snapshot)
    requireAnywhere(scope.session.actor, "describeSecret", "secrets", {
      projectId: snapshot.id,
      now: scope.now,
    })
    const environment = requireEnvironment(snapshot.structure, input.environment)
    try {
      const place = { view, environment, folder: requireFolder(snapshot.structure, environment, input.path) }
      if (input.type === "shared") return await showOne(deps, scope, await locate(place, input), input)
      const at = { projectId: snapshot.id, folderId: place.folder.id, key: input.key }
      const record = await findOwnOverride(deps, scope, at)
      if (record === undefined) throw secretNotFound(input.key)
      return await showOne(deps, scope, { record, at: [place] }, input)
    } catch (error) {
      if (error instanceof AppError && error.kind === "not-found") {
        requireMayMiss(scope, view, { ...input, environment: environment.slug })
      }
      throw error
    }
  })
}

/**
 * One secret by its id, wherever it lives.
 *
 * @throws AppError as {@link getSecret}
 */
export async function getSecretById(
  deps: SecretsDeps,
  session: Session,
  input: { readonly secretId: string; readonly expand: boolean; readonly viewValue: boolean },
): Promise<Reading<OpenedSecret>> {
  return await answerRead(deps, session, async (scope) => {
    const where = await findPlaceOfSecret(scope.reader, input.secretId)
    if (where === undefined) throw secretIdNotFound(input.secretId)
    const snapshot = await projectForRead(scope, { kind: "id", id: where.projectId })
    const view = await viewProject(deps, scope, snapshot)
    const folder = snapshot.structure.folders.get(where.folderId)
    const environment = snapshot.structure.environments.find((one) => one.id === folder?.environmentId)
    if (folder === undefined || environment === undefined) throw secretIdNotFound(input.secretId)
    const record = (await snapshot.secretsOf(folder.id)).byKey.get(where.key)
    if (record?.id !== input.secretId) throw secretIdNotFound(input.secretId)
    const located = { record, at: [{ view, environment, folder }] } as const
    return await showOne(deps, scope, located, { ...input, version: undefined })
  })
}

/** The secrets of a folder, and what it imports. */
export type SecretList = {
  /** With `recursive` also those below, by path and then by key. */
  readonly secrets: readonly OpenedSecret[]
  /** In the order of the imports; empty unless they were asked for. */
  readonly imports: readonly OpenedImport[]
}

export type ListInput = ReadPlace & {
  readonly recursive: boolean
  readonly filter: SecretFilter
  /** Shows the caller's own values in the place of the shared ones. */
  readonly personalOverrides: boolean
  /**
   * What becomes of a secret whose value was asked for and may not be read: it fails the list, stands there with its
   * value hidden, or is not there (ADR 0012).
   */
  readonly unreadable: "refused" | "hidden" | "left-out"
}

/**
 * The secrets of a folder that the caller may know of; a missing folder is empty. What becomes of those that it may not
 * read is for the input to say; imported ones are always left out (contract 3.5, 4.5).
 *
 * @throws AppError "forbidden" when it may know of no secret of the project, not read what a value refers to, or not
 * read a value and wants that refused
 */
export async function listSecrets(
  deps: SecretsDeps,
  session: Session,
  input: ListInput,
): Promise<Reading<SecretList>> {
  return await answerRead(deps, session, async (scope) => {
    const snapshot = await projectForRead(scope, input.project)
    const view = await viewProject(deps, scope, snapshot)
    requireAnywhere(scope.session.actor, "describeSecret", "secrets", {
      projectId: snapshot.id,
      now: scope.now,
    })
    const environment = requireEnvironment(snapshot.structure, input.environment)
    const slices = new TimeSlices()
    const effective = input.personalOverrides ? withOwnOverrides(deps, scope) : sharedOnly
    const references = new References(deps, scope, { slices, effective, isWanted: input.expand })
    const places = foldersToList(view, environment.id, input).map((folder) => ({ view, environment, folder }))
    const at = { projectId: snapshot.id, folderIds: places.map(({ folder }) => folder.id) }
    const own = input.personalOverrides ? await ownOverrides(deps, scope, at) : undefined
    if (places.length > 1) await snapshot.loadSecretsOf(at.folderIds)
    const perFolder: (readonly Found[])[] = []
    for (const place of places) perFolder.push(await listFolder(place, { ...input, own }, slices))
    const listed = perFolder.flat()
    if (input.unreadable === "refused" && input.viewValue) requireReadable(scope, view, listed)
    const imports = input.includeImports
      ? await listImported(places, { ...input, references, slices, effective })
      : []
    const secrets = await references.resolveAll(listed)
    scope.audit("get-secrets", snapshot.id, {
      environment: environment.slug,
      secretPath: input.path,
      numberOfSecrets: secrets.length,
      ...importAuditFields(imports),
      ...references.auditFields(snapshot.id),
    })
    references.auditOtherProjects(snapshot.id)
    const seed = seedOf(scope, [...references.missing, ...personalSeed(scope, input.personalOverrides)])
    return { seed, found: { secrets, imports }, basis: scope.answerBasis() }
  })
}

/** The history of a secret, newest first, without values; also of one that was deleted. */
export async function listSecretVersions(
  deps: SecretsDeps,
  session: Session,
  input: { readonly secretId: string; readonly offset: number; readonly limit: number },
): Promise<Reading<readonly VersionEntry[]>> {
  return await answerRead(deps, session, async (scope) => {
    const history = await findHistoryOfSecret(scope.reader, input.secretId)
    const isOthers = history?.userId !== null && history?.userId !== scope.session.actor.id
    if (history === undefined || isOthers) throw secretIdNotFound(input.secretId)
    const { projectId } = history
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    const resource = lastPlaceOf(structure, history)
    authorize(scope.session.actor, "describeSecret", "secrets", { projectId, now: scope.now, resource })
    const found = await listVersions(scope.reader, { projectId, secretId: input.secretId }, input)
    scope.audit("get-secret-versions", projectId, {
      secretId: input.secretId,
      numberOfVersions: found.length,
    })
    return { seed: seedOf(scope), found }
  })
}

/** What rules can be asked about a secret that may be gone; of a folder that is gone too, only the names remain. */
function lastPlaceOf(structure: ProjectStructure, history: SecretHistory): Resource {
  const folder = structure.folders.get(history.folderId)
  const environment = structure.environments.find((one) => one.id === folder?.environmentId)
  return {
    environment: environment?.slug,
    secretPath: folder?.path,
    secretName: history.key,
    secretTags: history.tagIds.flatMap((id) => structure.tags.get(id)?.slug ?? []),
  }
}

type Located = { readonly record: SecretRecord; readonly at: readonly [FolderView, ...FolderView[]] }

/** The secret itself, else the imported one that the caller may read. */
async function locate(
  place: FolderView,
  input: Pick<ReadPlace, "includeImports" | "viewValue"> & { readonly key: string },
): Promise<Located> {
  const loaded = place.view.snapshot.secretsOf(place.folder.id)
  const record = (loaded instanceof Promise ? await loaded : loaded).byKey.get(input.key)
  if (record !== undefined) return { record, at: [place] }
  if (input.includeImports) {
    const how = { lastFirst: true, slices: new TimeSlices() }
    for await (const found of importedByKey(place, input.key, how)) {
      const resource = resourceOf(found.place, found.record)
      const { mayDescribe, mayReadValue } = found.place.view
      const isReadable = !input.viewValue || mayReadValue(resource) !== undefined
      if (isReadable && mayDescribe(resource) !== undefined) {
        return { record: found.record, at: [found.place, ...found.through, place] }
      }
    }
  }
  throw secretNotFound(input.key)
}

async function showOne(
  deps: SecretsDeps,
  scope: ReadScope,
  located: Located,
  input: { readonly expand: boolean; readonly viewValue: boolean; readonly version: number | undefined },
): Promise<Reading<OpenedSecret>> {
  const { at } = located
  const [place] = at
  const { snapshot } = place.view
  const current = openOrRefuse(scope, place, located.record, input.viewValue)
  // An old name or old tags open nothing that is closed now: the value may still be the same.
  const record = await atVersion(deps, scope, located.record, input.version)
  const secret = record === located.record ? current : openOrRefuse(scope, place, record, input.viewValue)
  const effective = record.userId === null ? sharedOnly : withOwnOverrides(deps, scope)
  const how = { slices: new TimeSlices(), effective, isWanted: input.expand }
  const references = new References(deps, scope, how)
  const found = await references.resolve({ secret, at })
  scope.audit("get-secret", snapshot.id, {
    environment: place.environment.slug,
    secretPath: place.folder.path,
    secretId: record.id,
    secretKey: record.key,
    secretVersion: record.version,
    secretMetadata: auditedMetadata(record),
    ...references.auditFields(snapshot.id),
  })
  references.auditOtherProjects(snapshot.id)
  const seed = seedOf(scope, [...references.missing, ...personalSeed(scope, record.userId !== null)])
  return { seed, found, basis: scope.answerBasis() }
}

async function listFolder(
  place: FolderView,
  input: Pick<ListInput, "viewValue" | "filter" | "unreadable"> & {
    readonly own: OwnOverrides | undefined
  },
  slices: TimeSlices,
): Promise<readonly Found[]> {
  const { snapshot } = place.view
  const { byKey } = await snapshot.secretsOf(place.folder.id)
  const found: Found[] = []
  for (const record of filterSecrets([...byKey.values()], input.filter, snapshot.structure.tags)) {
    const pause = slices.spend()
    if (pause !== undefined) await pause
    const secret = openIfAllowed(place, input.own?.of(record) ?? record, input.viewValue)
    const isUnreadable = secret?.value === undefined && input.viewValue
    if (secret === undefined || (isUnreadable && input.unreadable === "left-out")) continue
    found.push({ secret, at: [place] })
  }
  return found
}

const maxNamed = 10

/**
 * Whoever asked for values and got a placeholder would take it for the value.
 * @throws AppError "forbidden" naming the secrets, which the caller may know of
 */
function requireReadable(scope: ReadScope, view: ProjectView, found: readonly Found[]): void {
  const hidden = found.filter(({ secret }) => secret.value === undefined)
  if (hidden.length === 0) return
  const names = hidden.slice(0, maxNamed).map(({ secret }) => `'${secret.record.key}'`)
  const more = hidden.length > names.length ? ` and ${hidden.length - names.length} more` : ""
  throw refusalOf(scope.session.actor, "readValue", "secrets", {
    projectId: view.snapshot.id,
    now: scope.now,
    because: `this list would hold the value of ${names.join(", ")}${more}. Ask with viewSecretValue=false for names only, or for single secrets; rules that deny describeSecret too leave a secret out of lists`,
  })
}

const maxRecursion = 20

function foldersToList(
  { snapshot }: ProjectView,
  environmentId: string,
  input: { readonly path: string; readonly recursive: boolean },
): readonly FolderRecord[] {
  const folder = findFolder(snapshot.structure, environmentId, input.path)
  if (folder === undefined) return []
  if (!input.recursive) return [folder]
  const depthOf = (path: string) => (path === "/" ? 0 : path.split("/").length - 1)
  const deepest = depthOf(folder.path) + maxRecursion
  return folderWithDescendants(snapshot.structure, folder).filter((one) => depthOf(one.path) <= deepest)
}

async function atVersion(
  deps: SecretsDeps,
  scope: ReadScope,
  current: SecretRecord,
  version: number | undefined,
): Promise<SecretRecord> {
  if (version === undefined || version === current.version) return current
  const old = await findVersion(scope.reader, deps.keyring, current, version)
  if (old !== undefined) return old
  throw new AppError(
    "not-found",
    "NotFound",
    `Version ${version} of secret with name '${current.key}' not found`,
  )
}

function secretIdNotFound(secretId: string): AppError {
  return new AppError("not-found", "NotFound", `Secret with ID '${secretId}' not found`)
}
