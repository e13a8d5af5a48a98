import type { SecretReferenceNode } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import { findFolder, type SecretRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import { TimeSlices } from "../../time-slices.ts"
import { answerRead, type ReadScope } from "../../use-case/index.ts"
import { authorize } from "../authorization/index.ts"
import { projectForRead, requireEnvironment, requireFolder } from "../project-access/index.ts"
import { secretNotFound } from "./domain.ts"
import { sharedOnly } from "./effective-secrets.ts"
import { ReferenceReader, type Whereabouts } from "./expansion.ts"
import {
  type FolderView,
  type Reading,
  requireMayMiss,
  resourceOf,
  type SecretsDeps,
  seedOf,
  viewProject,
} from "./reading.ts"
import { mayHaveReferences, type Reference, referencesOf } from "./reference-syntax.ts"
import type { Referrer } from "./references.ts"
import { References } from "./resolve-references.ts"
import { auditedMetadata, revealValue } from "./sealing.ts"
import { walkSecrets } from "./walk-secrets.ts"

/** A secret by its name. */
export type NamedSecret = {
  readonly projectId: string
  readonly environment: string
  readonly path: string
  readonly key: string
}

/** What a secret refers to, as far as the caller may read. */
export type ReferenceTree = { readonly tree: SecretReferenceNode; readonly value: string | undefined }

const maxNodes = 1_000
const maxDepth = 10

/**
 * What the value of a secret refers to, and what that refers to, and so on. A secret that is missing or may not be read
 * is named without a value.
 *
 * @throws AppError "not-found" when the secret is missing; "forbidden" when the caller may not know of it
 */
export async function getReferenceTree(
  deps: SecretsDeps,
  session: Session,
  input: NamedSecret,
): Promise<Reading<ReferenceTree>> {
  return await answerRead(deps, session, async (scope) => {
    const { place, record } = await find(deps, scope, input)
    const grant = place.view.mayReadValue(resourceOf(place, record))
    const how = { slices: new TimeSlices(), effective: sharedOnly }
    const reader = new ReferenceReader(deps, scope, how)
    const named = { key: record.key, environment: place.environment.slug, secretPath: place.folder.path }
    let found: ReferenceTree = { tree: { ...named, children: [] }, value: undefined }
    if (grant !== undefined) {
      const value = revealValue(grant, place.view.opener, record)
      const root: Referrer<Whereabouts> = { id: record.id, key: record.key, value, at: [place] }
      const tree = await nodeOf(root, named, { reader, chain: [], left: { nodes: maxNodes } })
      found = { tree, value: await unlessForbidden(() => reader.expand(root, root.at)) }
    }
    const projectId = place.view.snapshot.id
    const references = new References(deps, scope, { ...how, isWanted: true, reader })
    scope.audit("get-secret", projectId, {
      ...about(place, record),
      secretMetadata: auditedMetadata(record),
      ...references.auditFields(projectId),
    })
    references.auditOtherProjects(projectId)
    return { seed: seedOf(scope, references.missing), found }
  })
}

/** A secret whose value refers to another one. */
export type BackReference = {
  readonly record: SecretRecord
  readonly environment: string
  readonly path: string
}

/**
 * The secrets of the project that refer to a secret, directly or because their folder imports it, in the order of
 * environments, paths and keys. Those whose values the caller may not read are left out.
 *
 * @throws AppError as {@link getReferenceTree}
 */
export async function listBackReferences(
  deps: SecretsDeps,
  session: Session,
  input: NamedSecret,
): Promise<Reading<readonly BackReference[]>> {
  return await answerRead(deps, session, async (scope) => {
    const { place, record } = await find(deps, scope, input)
    const slices = new TimeSlices()
    const reader = new ReferenceReader(deps, scope, { slices, effective: sharedOnly })
    const { view } = place
    const range = { environments: view.snapshot.structure.environments, path: "/" }
    const found: BackReference[] = []
    for await (const one of walkSecrets(view, range)) {
      const pause = slices.spend()
      if (pause !== undefined) await pause
      const resource = resourceOf(one.place, one.record)
      const grant = view.mayDescribe(resource) === undefined ? undefined : view.mayReadValue(resource)
      if (grant === undefined) continue
      const value = revealValue(grant, view.opener, one.record)
      if (!mayHaveReferences(value)) continue
      const from = { id: one.record.id, key: one.record.key, value, at: [one.place] } as const
      if (!(await refersTo(reader, from, record))) continue
      found.push({ record: one.record, environment: one.place.environment.slug, path: one.place.folder.path })
    }
    scope.audit("get-secret-references", view.snapshot.id, {
      ...about(place, record),
      numberOfReferences: found.length,
    })
    return { seed: seedOf(scope, [...reader.missingProjects]), found }
  })
}

async function refersTo(
  reader: ReferenceReader,
  from: Referrer<Whereabouts>,
  target: SecretRecord,
): Promise<boolean> {
  for (const reference of referencesOf(from.value)) {
    if (reference.key !== target.key) continue
    const found = await unlessForbidden(() => reader.lookUp(reference, from))
    if (found?.id === target.id) return true
  }
  return false
}

type Growing = {
  readonly reader: ReferenceReader
  readonly chain: readonly string[]
  readonly left: { nodes: number }
}

async function nodeOf(
  secret: Referrer<Whereabouts>,
  named: Omit<SecretReferenceNode, "children" | "value">,
  { reader, chain, left }: Growing,
): Promise<SecretReferenceNode> {
  const children: SecretReferenceNode[] = []
  const isEnd = chain.length >= maxDepth || chain.includes(secret.id)
  for (const reference of isEnd ? [] : referencesOf(secret.value)) {
    left.nodes -= 1
    if (left.nodes < 0) throw tooMany(secret.key)
    children.push(await childOf(reference, secret, { reader, chain: [...chain, secret.id], left }))
  }
  return { ...named, value: secret.value, children }
}

async function childOf(
  reference: Reference,
  from: Referrer<Whereabouts>,
  growing: Growing,
): Promise<SecretReferenceNode> {
  const target = await unlessForbidden(() => growing.reader.lookUp(reference, from))
  if (target !== undefined) {
    const [{ environment, folder, view }] = target.at
    const named = { key: target.key, environment: environment.slug, secretPath: folder.path }
    const { slug } = view.snapshot.structure.project
    const isElsewhere = view.snapshot.id !== from.at[0].view.snapshot.id
    return await nodeOf(target, isElsewhere ? { ...named, projectSlug: slug } : named, growing)
  }
  const [own] = from.at
  const [first, ...folders] = reference.names
  const { environments } = own.view.snapshot.structure
  const isEnvironment = reference.project !== undefined || environments.some((one) => one.slug === first)
  const names = isEnvironment ? folders : reference.names
  const isHere = first === undefined
  return {
    key: reference.key,
    environment: isEnvironment && first !== undefined ? first : own.environment.slug,
    secretPath: isHere ? own.folder.path : `/${names.join("/")}`,
    ...(reference.project === undefined ? {} : { projectSlug: reference.project }),
    children: [],
  }
}

async function find(
  deps: SecretsDeps,
  scope: ReadScope,
  input: NamedSecret,
): Promise<{ readonly place: FolderView; readonly record: SecretRecord }> {
  const snapshot = await projectForRead(scope, { kind: "id", id: input.projectId })
  const view = await viewProject(deps, scope, snapshot)
  const environment = requireEnvironment(snapshot.structure, input.environment)
  const folder = findFolder(snapshot.structure, environment.id, input.path)
  const record = folder && (await snapshot.secretsOf(folder.id)).byKey.get(input.key)
  if (folder === undefined || record === undefined) {
    requireMayMiss(scope, view, input)
    requireFolder(snapshot.structure, environment, input.path)
    throw secretNotFound(input.key)
  }
  const place = { view, environment, folder }
  const at = { projectId: snapshot.id, now: scope.now, resource: resourceOf(place, record) }
  authorize(scope.session.actor, "describeSecret", "secrets", at)
  return { place, record }
}

async function unlessForbidden<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AppError && error.kind === "forbidden") return undefined
    throw error
  }
}

function about(place: FolderView, record: SecretRecord) {
  return {
    environment: place.environment.slug,
    secretPath: place.folder.path,
    secretId: record.id,
    secretKey: record.key,
    secretVersion: record.version,
  }
}

function tooMany(key: string): AppError {
  return new AppError(
    "invalid",
    "BadRequest",
    `Secret '${key}' has more than ${maxNodes} references below it`,
  )
}
