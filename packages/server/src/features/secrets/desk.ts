/**
 * What every write of secrets works at: the project's row is locked, its structure and sealer are at hand. Here are the
 * steps that all of them share: rights per secret, the next version of a row, its tombstone, the answer and the event.
 */
import type { Actor, Session } from "../../actor.ts"
import type { EnvironmentRecord, FolderRecord, SecretRecord } from "../../cache/index.ts"
import { findFolder, recordOfOwnRow } from "../../cache/index.ts"
import type { SecretTable } from "../../db/schema.ts"
import { AppError } from "../../errors.ts"
import { type ProjectWrite, writeInProject } from "../../use-case/index.ts"
import {
  type Action,
  authorize,
  authorizeOrNot,
  type Grant,
  gateFor,
  grantsToCarryOver,
  refusalOf,
  requireAnywhere,
  requireNothingRevealed,
} from "../authorization/index.ts"
import {
  type ProjectRef,
  projectIdForWrite,
  requireEnvironment,
  requireFolder,
} from "../project-access/index.ts"
import type { OpenedSecret, SecretContent } from "./domain.ts"
import type { SecretsDeps } from "./read-secrets.ts"
import { auditedMetadata, type NextVersion, type Opener, revealContent } from "./sealing.ts"

/** A folder as a request names it. */
export type FolderRef = { readonly environment: string; readonly path: string }
export type WritePlace = FolderRef & { readonly project: ProjectRef }

/** What one write of secrets works with. */
export type Desk = { readonly deps: SecretsDeps; readonly write: ProjectWrite; readonly opener: Opener }

/** A folder and the environment it belongs to. */
export type Spot = { readonly environment: EnvironmentRecord; readonly folder: FolderRecord }

/**
 * Opens a write of a project's secrets for whoever may do one of `actions` somewhere in it; every secret is asked for
 * on its own afterwards, by {@link authorizeSecret}.
 */
export async function atDesk<T>(
  deps: SecretsDeps,
  session: Session,
  project: ProjectRef,
  actions: readonly Action[],
  work: (desk: Desk) => Promise<T>,
): Promise<T> {
  const projectId = await projectIdForWrite(deps, session, project)
  // Outside of the transaction, so that the key is at hand in it: unwrapping one may read the database.
  await deps.keyring.forProject(projectId).catch(() => undefined)
  return await writeInProject(deps, session, projectId, async (write) => {
    for (const action of actions) {
      requireAnywhere(write.actor, action, "secrets", { projectId, now: write.now })
    }
    return await work(await deskOf(deps, write))
  })
}

/** The desk of a write that is under way, for other features that move secrets about. */
export async function deskOf(deps: SecretsDeps, write: ProjectWrite): Promise<Desk> {
  // Asked for under the lock of the project: only then it is the key of the project that is there now.
  const sealer = await deps.keyring.forProject(write.projectId, write.db)
  return { deps, write, opener: { sealer, orgId: write.actor.orgId } }
}

/** @throws AppError "not-found" naming the environment or the folder that is missing */
function spotAt(desk: Pick<Desk, "write">, { environment: slug, path }: FolderRef): Spot {
  const environment = requireEnvironment(desk.write.structure, slug)
  return { environment, folder: requireFolder(desk.write.structure, environment, path) }
}

/** As {@link spotAt}; that a folder is missing is told only to those who may do the action in it. */
export function spotFor(
  desk: Pick<Desk, "write">,
  action: Action,
  at: FolderRef,
  keys: readonly string[],
): Spot {
  const environment = requireEnvironment(desk.write.structure, at.environment)
  if (findFolder(desk.write.structure, environment.id, at.path) === undefined) {
    for (const key of keys) authorizeSecret(desk, action, at, { key, tagIds: [] })
  }
  return spotAt(desk, at)
}

/** The folder reference of a spot. */
export function refOf(spot: Spot): FolderRef {
  return { environment: spot.environment.slug, path: spot.folder.path }
}

/** What rights look at. */
export type SecretName = { readonly key: string; readonly tagIds: readonly string[] }

/** @throws AppError "forbidden" when the actor's rules do not allow the action on this very secret */
export function authorizeSecret<A extends Action>(
  desk: Pick<Desk, "write">,
  action: A,
  at: FolderRef,
  secret: SecretName,
): Grant<A> {
  return authorize(desk.write.actor, action, "secrets", placeOf(desk, at, secret))
}

/**
 * Asks for the right to delete each secret of a folder that would go with what holds it. The refusal names what holds
 * them, not the secret, of which the actor may not know.
 *
 * @throws AppError "forbidden"
 */
export function authorizeDeletionWith(
  desk: Pick<Desk, "write">,
  at: FolderRef,
  secrets: readonly SecretName[],
  holder: string,
): void {
  const { actor, projectId, now } = desk.write
  const mayDelete = gateFor(actor, "delete", "secrets", { projectId, now })
  if (secrets.every((secret) => mayDelete(placeOf(desk, at, secret).resource) !== undefined)) return
  const because = `${holder} holds a secret that you may not delete`
  throw refusalOf(actor, "delete", "secrets", { projectId, now, because })
}

/**
 * Asks for the right to change what rules look at: under its new name and tags, the actor must not see of a secret what
 * it does not see now.
 *
 * @throws AppError "forbidden"
 */
export function authorizeRenaming(
  desk: Pick<Desk, "write">,
  at: FolderRef,
  before: SecretName,
  after: SecretName,
): void {
  const { resource, ...where } = placeOf(desk, at, before)
  requireNothingRevealed(desk.write.actor, where, resource, placeOf(desk, at, after).resource)
}

function placeOf({ write }: Pick<Desk, "write">, at: FolderRef, secret: SecretName) {
  const { tags } = write.structure
  const resource = {
    environment: at.environment,
    secretPath: at.path,
    secretName: secret.key,
    secretTags: secret.tagIds.flatMap((id) => tags.get(id)?.slug ?? []),
  }
  return { projectId: write.projectId, now: write.now, resource }
}

/** The owner of the layer that a request of this type is about: nobody for shared, the caller for personal secrets. */
export function ownerOf(actor: Actor, type: "shared" | "personal"): string | null {
  if (type === "shared") return null
  if (actor.kind === "user") return actor.id
  throw new AppError("invalid", "BadRequest", "Must be user to create/delete personal secret")
}

/**
 * The server's own opening of a secret to seal it for its next version; it is not shown to anyone by this. Tags that
 * were deleted meanwhile are left behind.
 */
export function contentOf(desk: Desk, edit: Grant<"edit">, record: SecretRecord): SecretContent {
  const tagIds = record.tagIds.filter((id) => desk.write.structure.tags.has(id))
  return revealContent(grantsToCarryOver(edit), desk.opener, { ...record, tagIds })
}

export function nextVersion(
  { write }: Desk,
  spot: Spot,
  of: Pick<NextVersion, "id" | "key" | "version" | "userId"> & { readonly createdAt?: number },
): NextVersion {
  return {
    ...of,
    projectId: write.projectId,
    environmentId: spot.environment.id,
    folderId: spot.folder.id,
    ...writtenBy(write),
    createdAt: of.createdAt ?? write.now,
  }
}

/** What every version of a write says of it. */
export function writtenBy({ revision, actor, now }: ProjectWrite) {
  return { revision, actorType: actor.kind, actorId: actor.id, now }
}

/** The answer to a deletion: what was there, as far as the caller may read it. */
export function openRecord(desk: Desk, spot: Spot, record: SecretRecord): OpenedSecret {
  const place = placeOf(desk, refOf(spot), record)
  const { actor } = desk.write
  const value = authorizeOrNot(actor, "readValue", "secrets", place)
  const describe = authorizeOrNot(actor, "describeSecret", "secrets", place)
  if (value === undefined || describe === undefined) {
    return { ...shell(desk, spot, record), value: undefined, comment: "", metadata: [] }
  }
  const { value: clear, comment, metadata } = revealContent({ describe, value }, desk.opener, record)
  return { ...shell(desk, spot, record), value: clear, comment, metadata }
}

/** The answer to a write: what the caller wrote, and what it may read of the rest. */
export function openedRow(desk: Desk, spot: Spot, row: SecretTable, content: SecretContent): OpenedSecret {
  const record = recordOfOwnRow(row)
  const place = placeOf(desk, refOf(spot), record)
  const mayRead = authorizeOrNot(desk.write.actor, "readValue", "secrets", place) !== undefined
  return {
    ...shell(desk, spot, record),
    value: mayRead ? content.value : undefined,
    comment: content.comment,
    metadata: mayRead ? content.metadata : content.metadata.filter((pair) => !pair.isEncrypted),
  }
}

function shell(desk: Desk, spot: Spot, record: SecretRecord) {
  const { tags } = desk.write.structure
  return {
    record,
    environment: spot.environment.slug,
    path: spot.folder.path,
    tags: record.tagIds.flatMap((id) => tags.get(id) ?? []),
  }
}

/** Where a change happened. */
export function changeAt({ environment, folder }: Spot) {
  return { environmentId: environment.id, folderId: folder.id, path: folder.path }
}

export function auditWrite(
  { write }: Desk,
  verb: "create" | "update" | "delete",
  at: FolderRef,
  secrets: readonly OpenedSecret[],
): void {
  const { environment } = at
  const [secret] = secrets
  if (secrets.length !== 1 || secret === undefined) {
    // A path that is as long as paths may be, said a thousand times, would leave no room for the names.
    const named = secrets.map(({ record, path }) =>
      path === at.path ? namedInEvent(record) : { ...namedInEvent(record), secretPath: path },
    )
    write.audit(`${verb}-secrets`, { environment, secretPath: at.path, secrets: named })
    return
  }
  const only = { environment, ...namedInEvent(secret.record), secretPath: secret.path }
  if (verb === "delete") {
    write.audit("delete-secret", only)
  } else {
    const secretMetadata = auditedMetadata(secret.record)
    const secretTags = secret.tags.map(({ slug }) => slug)
    write.audit(`${verb}-secret`, { ...only, secretMetadata, secretTags })
  }
}

function namedInEvent(record: SecretRecord) {
  return { secretId: record.id, secretKey: record.key, secretVersion: record.version }
}

/** @throws AppError "not-found" naming the first tag that the project does not have */
export function requireTags({ write }: Desk, tagIds: readonly string[]): void {
  const unknown = tagIds.find((id) => !write.structure.tags.has(id))
  if (unknown === undefined) return
  throw new AppError("not-found", "NotFound", `Tag with ID '${unknown}' not found`)
}
