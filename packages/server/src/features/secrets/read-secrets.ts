import type { Session } from "../../actor.ts"
import type { FolderRecord, ProjectSnapshot, SecretRecord } from "../../cache/index.ts"
import { findEnvironment, findFolder, folderWithDescendants } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import { answerRead, type ReadDeps, type ReadScope } from "../../use-case/index.ts"
import { authorize, type Grant, rightsFingerprint } from "../authorization/index.ts"
import {
  type ProjectRef,
  projectForRead,
  requireEnvironment,
  requireFolder,
} from "../project-access/index.ts"
import { type OpenedSecret, secretNotFound } from "./domain.ts"
import { filterSecrets, type SecretFilter } from "./filters.ts"
import { aReferenceBudget, expandReferences, hasReferences, type SecretAddress } from "./references.ts"
import { type Opener, revealDescription, revealValue } from "./sealing.ts"
import { findProjectOfSecret, findVersion, listVersions, type VersionEntry } from "./store.ts"

export type SecretsDeps = ReadDeps & { readonly keyring: Keyring }

/** Where to read, and how much to show. */
export type ReadPlace = {
  readonly project: ProjectRef
  readonly environment: string
  readonly path: string
  readonly expand: boolean
  readonly viewValue: boolean
}

/** What was read, and a seed that is the same as long as the answer would be. */
export type Reading<T> = { readonly seed: string; readonly found: T }

/**
 * One secret, or one of its versions.
 *
 * @throws AppError "not-found" naming what is missing: project, environment, folder or secret
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
    const found = projectForRead(scope, input.project)
    const snapshot = found instanceof Promise ? await found : found
    const opening = await openingOf(deps, scope, snapshot, input)
    const environment = requireEnvironment(snapshot.structure, input.environment)
    const folder = requireFolder(snapshot.structure, environment, input.path)
    const loaded = snapshot.secretsOf(folder.id)
    const secrets = loaded instanceof Promise ? await loaded : loaded
    const current = input.type === "shared" ? secrets.byKey.get(input.key) : undefined
    if (current === undefined) throw secretNotFound(input.key)
    const record = await atVersion(deps, scope, current, input.version)
    const secret = open(opening, record, folder, environment.slug)
    const expanded = await expandAll(opening, [secret])
    scope.audit("get-secret", snapshot.id, {
      environment: environment.slug,
      secretPath: folder.path,
      secretId: record.id,
      secretKey: record.key,
      secretVersion: record.version,
      ...(expanded.references.length === 0 ? {} : { references: expanded.references }),
    })
    return { seed: seedOf(scope, snapshot), found: expanded.secrets[0] ?? secret }
  })
}

/** The secrets of a folder, with `recursive` also those below it, by path and then by key. A missing folder is empty. */
export async function listSecrets(
  deps: SecretsDeps,
  session: Session,
  input: ReadPlace & { readonly recursive: boolean; readonly filter: SecretFilter },
): Promise<Reading<readonly OpenedSecret[]>> {
  return await answerRead(deps, session, async (scope) => {
    const snapshot = await projectForRead(scope, input.project)
    const opening = await openingOf(deps, scope, snapshot, input)
    const environment = requireEnvironment(snapshot.structure, input.environment)
    const secrets: OpenedSecret[] = []
    for (const folder of foldersToList(snapshot, environment.id, input)) {
      const { byKey } = await snapshot.secretsOf(folder.id)
      const chosen = filterSecrets([...byKey.values()], input.filter, snapshot.structure.tags)
      for (const record of chosen) secrets.push(open(opening, record, folder, environment.slug))
    }
    const expanded = await expandAll(opening, secrets)
    scope.audit("get-secrets", snapshot.id, {
      environment: environment.slug,
      secretPath: input.path,
      numberOfSecrets: secrets.length,
      ...(expanded.references.length === 0 ? {} : { references: expanded.references }),
    })
    return { seed: seedOf(scope, snapshot), found: expanded.secrets }
  })
}

/** The history of a secret, newest first, without values; also of one that was deleted. */
export async function listSecretVersions(
  deps: SecretsDeps,
  session: Session,
  input: { readonly secretId: string; readonly offset: number; readonly limit: number },
): Promise<Reading<readonly VersionEntry[]>> {
  return await answerRead(deps, session, async (scope) => {
    const projectId = await findProjectOfSecret(scope.reader, input.secretId)
    if (projectId === undefined) {
      throw new AppError("not-found", "NotFound", `Secret with ID '${input.secretId}' not found`)
    }
    const snapshot = await projectForRead(scope, { kind: "id", id: projectId })
    authorize(scope.session.actor, "describeSecret", "secrets", { projectId, now: scope.now })
    const found = await listVersions(scope.reader, { projectId, secretId: input.secretId }, input)
    scope.audit("get-secret-versions", projectId, {
      secretId: input.secretId,
      numberOfVersions: found.length,
    })
    return { seed: seedOf(scope, snapshot), found }
  })
}

const maxRecursion = 20

function foldersToList(
  snapshot: ProjectSnapshot,
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

/** What one request may open, and the means to. */
type Opening = {
  readonly snapshot: ProjectSnapshot
  readonly opener: Opener
  readonly describe: Grant<"describeSecret">
  readonly value: Grant<"readValue"> | undefined
  readonly expand: boolean
}

async function openingOf(
  deps: SecretsDeps,
  scope: ReadScope,
  snapshot: ProjectSnapshot,
  input: ReadPlace,
): Promise<Opening> {
  const { actor } = scope.session
  const at = { projectId: snapshot.id, now: scope.now }
  return {
    snapshot,
    opener: { sealer: await deps.keyring.forProject(snapshot.id), orgId: actor.orgId },
    describe: authorize(actor, "describeSecret", "secrets", at),
    value: input.viewValue ? authorize(actor, "readValue", "secrets", at) : undefined,
    expand: input.expand,
  }
}

function open(
  opening: Opening,
  record: SecretRecord,
  folder: FolderRecord,
  environment: string,
): OpenedSecret {
  const { opener, describe, value, snapshot } = opening
  const description = revealDescription(describe, opener, record, value)
  return {
    record,
    environment,
    path: folder.path,
    value: value === undefined ? undefined : revealValue(value, opener, record),
    comment: description.comment,
    metadata: description.metadata,
    tags: record.tagIds.flatMap((id) => snapshot.structure.tags.get(id) ?? []),
  }
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

const maxReferencesInLog = 100

/** Expands what has references; also says which secrets were read on the way, for the audit log. */
async function expandAll(
  opening: Opening,
  secrets: readonly OpenedSecret[],
): Promise<{ readonly secrets: readonly OpenedSecret[]; readonly references: readonly string[] }> {
  const { expand, value: grant } = opening
  const isPlain = !secrets.some((secret) => secret.value !== undefined && hasReferences(secret.value))
  if (!expand || grant === undefined || isPlain) return { secrets, references: [] }
  const references = new Set<string>()
  const lookUp = async (address: SecretAddress) => {
    const record = await recordAt(opening.snapshot, address)
    if (record === undefined) return undefined
    const path = address.path === "/" ? "" : address.path
    if (references.size < maxReferencesInLog) references.add(`${address.environment}:${path}/${address.key}`)
    return revealValue(grant, opening.opener, record)
  }
  const expansion = { lookUp, budget: aReferenceBudget() }
  const expanded: OpenedSecret[] = []
  for (const secret of secrets) {
    const at = { environment: secret.environment, path: secret.path, key: secret.record.key }
    const value = secret.value === undefined ? undefined : await expandReferences(secret.value, at, expansion)
    expanded.push({ ...secret, value })
  }
  return { secrets: expanded, references: [...references].sort() }
}

async function recordAt(
  snapshot: ProjectSnapshot,
  address: SecretAddress,
): Promise<SecretRecord | undefined> {
  const environment = findEnvironment(snapshot.structure, address.environment)
  const folder =
    environment === undefined ? undefined : findFolder(snapshot.structure, environment.id, address.path)
  return folder === undefined ? undefined : (await snapshot.secretsOf(folder.id)).byKey.get(address.key)
}

function seedOf(scope: ReadScope, snapshot: ProjectSnapshot): string {
  const rights = rightsFingerprint(scope.session.actor, snapshot.id, scope.now)
  return `${snapshot.id}:${snapshot.revision}:${rights}`
}
