import type { Session } from "../../actor.ts"
import type { EnvironmentRecord, FolderRecord, SecretRecord } from "../../cache/index.ts"
import { secretRecordOf } from "../../cache/index.ts"
import type { SecretTable } from "../../db/schema.ts"
import { AppError } from "../../errors.ts"
import { type ProjectWrite, writeInProject } from "../../use-case/index.ts"
import { type Action, authorize, authorizeOrNot, grantsToCarryOver } from "../authorization/index.ts"
import {
  type ProjectRef,
  projectIdForWrite,
  requireEnvironment,
  requireFolder,
} from "../project-access/index.ts"
import {
  newContent,
  type OpenedSecret,
  requireAllowedKey,
  requireDistinct,
  requireShared,
  type SecretChange,
  type SecretContent,
  secretNotFound,
  withChange,
} from "./domain.ts"
import type { SecretsDeps } from "./read-secrets.ts"
import { type NextVersion, type Opener, revealContent, sealSecret } from "./sealing.ts"
import { findSecrets, insertSecrets, removeSecrets, updateSecret as storeUpdate } from "./store.ts"

export type WritePlace = {
  readonly project: ProjectRef
  readonly environment: string
  readonly path: string
}

type SecretType = "shared" | "personal"
export type NewSecret = SecretChange & { readonly key: string; readonly type: SecretType }
export type ChangedSecret = NewSecret & {
  readonly newKey?: string | undefined
  /** Overrides the path of the batch. */
  readonly path?: string | undefined
}
export type GoneSecret = { readonly key: string; readonly type: SecretType }
export type UpdateMode = "failOnNotFound" | "upsert" | "ignore"

/** What one write of secrets works with. */
type Desk = {
  readonly deps: SecretsDeps
  readonly write: ProjectWrite
  readonly opener: Opener
  readonly environment: EnvironmentRecord
}

/**
 * Creates secrets, all or none.
 * @throws AppError "invalid" when one exists, "not-found" when project, environment, folder or a tag is missing
 */
export async function createSecrets(
  deps: SecretsDeps,
  session: Session,
  place: WritePlace,
  secrets: readonly NewSecret[],
): Promise<readonly OpenedSecret[]> {
  return await atDesk(deps, session, place, "create", async (desk) => {
    const folder = requireFolder(desk.write.structure, desk.environment, place.path)
    const created = await insertNew(desk, folder, secrets)
    auditWrite(desk, "create", folder.path, created)
    return created
  })
}

/**
 * Writes the next version of secrets, all or none.
 * @throws AppError "not-found" when one is missing and `mode` is failOnNotFound; "invalid" when a new name is taken
 */
export async function updateSecrets(
  deps: SecretsDeps,
  session: Session,
  place: WritePlace,
  batch: { readonly mode: UpdateMode; readonly secrets: readonly ChangedSecret[] },
): Promise<readonly OpenedSecret[]> {
  return await atDesk(deps, session, place, "edit", async (desk) => {
    const written: OpenedSecret[] = []
    for (const [path, secrets] of Map.groupBy(batch.secrets, (secret) => secret.path ?? place.path)) {
      const folder = requireFolder(desk.write.structure, desk.environment, path)
      written.push(...(await updateInFolder(desk, folder, { mode: batch.mode, secrets })))
    }
    auditWrite(desk, "update", place.path, written)
    return written
  })
}

/**
 * Deletes secrets, all or none; the history keeps them.
 * @throws AppError "not-found" when one is missing
 */
export async function deleteSecrets(
  deps: SecretsDeps,
  session: Session,
  place: WritePlace,
  secrets: readonly GoneSecret[],
): Promise<readonly OpenedSecret[]> {
  return await atDesk(deps, session, place, "delete", async (desk) => {
    const { write } = desk
    for (const secret of secrets) requireShared(secret.type)
    const folder = requireFolder(write.structure, desk.environment, place.path)
    const keys = secrets.map((secret) => secret.key)
    requireDistinct(keys)
    const known = await findSecrets(write.db, deps.keyring, { ...write, folderId: folder.id, keys })
    const records = keys.map((key) => known.get(key) ?? notFound(key))
    const removed = records.map((record) => openRecord(desk, folder, record))
    await removeSecrets(
      write.db,
      records.map((record) => tombstone(desk, record)),
    )
    write.change({ ...changeAt(desk, folder), kind: "secret:delete", keys })
    auditWrite(desk, "delete", folder.path, removed)
    return removed
  })
}

/** Leaves tombstones for every secret of these folders; the caller has authorised and records the change. */
export async function removeSecretsInFolders(
  deps: SecretsDeps,
  write: ProjectWrite,
  records: readonly SecretRecord[],
): Promise<void> {
  const rows = records.map((record) => tombstoneRow(deps, write, record))
  await removeSecrets(write.db, rows)
}

async function atDesk<T>(
  deps: SecretsDeps,
  session: Session,
  place: WritePlace,
  action: Action,
  work: (desk: Desk) => Promise<T>,
): Promise<T> {
  const projectId = await projectIdForWrite(deps, session, place.project)
  // Outside of the transaction: unwrapping a project's key may read the database.
  const sealer = await deps.keyring.forProject(projectId).catch(() => undefined)
  return await writeInProject(deps, session, projectId, async (write) => {
    authorize(write.actor, action, "secrets", { projectId, now: write.now })
    const environment = requireEnvironment(write.structure, place.environment)
    const usable = sealer ?? (await deps.keyring.forProject(projectId))
    const opener = { sealer: usable, orgId: write.actor.orgId }
    return await work({ deps, write, opener, environment })
  })
}

async function insertNew(
  desk: Desk,
  folder: FolderRecord,
  secrets: readonly NewSecret[],
): Promise<readonly OpenedSecret[]> {
  const { deps, write } = desk
  for (const secret of secrets) {
    requireShared(secret.type)
    requireAllowedKey(secret.key, write.structure.project.autoCapitalization)
    requireTags(desk, secret.tagIds ?? [])
  }
  const keys = secrets.map((secret) => secret.key)
  requireDistinct(keys)
  const known = await findSecrets(write.db, deps.keyring, { ...write, folderId: folder.id, keys })
  if (known.size > 0) throw alreadyExist(secrets.length === 1 ? [] : [...known.keys()])
  const made = secrets.map((secret) => {
    const content = newContent(secret)
    const next = nextVersion(desk, folder, { id: deps.random.uuid(), key: secret.key, version: 1 })
    return { content, row: sealSecret(deps.keyring, desk.opener, next, content) }
  })
  await insertSecrets(
    write.db,
    made.map((one) => one.row),
  )
  write.change({ ...changeAt(desk, folder), kind: "secret:create", keys })
  return made.map(({ row, content }) => openedRow(desk, folder, row, content))
}

async function updateInFolder(
  desk: Desk,
  folder: FolderRecord,
  batch: { readonly mode: UpdateMode; readonly secrets: readonly ChangedSecret[] },
): Promise<readonly OpenedSecret[]> {
  const { deps, write } = desk
  const keys = batch.secrets.map((secret) => secret.key)
  requireDistinct(keys)
  const known = await findSecrets(write.db, deps.keyring, { ...write, folderId: folder.id, keys })
  const missing = batch.secrets.filter((secret) => !known.has(secret.key))
  const [firstMissing] = missing
  if (batch.mode === "failOnNotFound" && firstMissing !== undefined) throw secretNotFound(firstMissing.key)
  const written: OpenedSecret[] = []
  const changed = new Set<string>()
  for (const secret of batch.secrets) {
    const record = known.get(secret.key)
    if (record === undefined) continue
    written.push(await updateOne(desk, folder, record, secret))
    changed.add(secret.key).add(secret.newKey ?? secret.key)
  }
  if (changed.size > 0) {
    write.change({ ...changeAt(desk, folder), kind: "secret:update", keys: [...changed] })
  }
  if (batch.mode === "upsert" && missing.length > 0) {
    authorize(write.actor, "create", "secrets", { projectId: write.projectId, now: write.now })
    written.push(...(await insertNew(desk, folder, missing)))
  }
  return written
}

async function updateOne(
  desk: Desk,
  folder: FolderRecord,
  record: SecretRecord,
  change: ChangedSecret,
): Promise<OpenedSecret> {
  const { deps, write } = desk
  requireShared(change.type)
  if (change.tagIds !== undefined) requireTags(desk, change.tagIds)
  const key = change.newKey ?? record.key
  if (key !== record.key) await requireFreeKey(desk, folder, key)
  const content = withChange(contentOf(desk, record), change)
  const next = nextVersion(desk, folder, { id: record.id, key, version: record.version + 1 })
  const sealed = { ...next, createdAt: record.createdAt }
  const row = sealSecret(deps.keyring, desk.opener, sealed, content)
  await storeUpdate(write.db, row)
  return openedRow(desk, folder, row, content)
}

async function requireFreeKey(desk: Desk, folder: FolderRecord, key: string): Promise<void> {
  const { deps, write } = desk
  requireAllowedKey(key, write.structure.project.autoCapitalization)
  const taken = await findSecrets(write.db, deps.keyring, { ...write, folderId: folder.id, keys: [key] })
  if (taken.size === 0) return
  throw new AppError("invalid", "UpdateSecret", `Secret with name '${key}' already exists`)
}

/** The server's own opening of a value to seal it for its next version; it is not shown to anyone by this. */
function contentOf(desk: Desk, record: SecretRecord): SecretContent {
  const { write } = desk
  const at = { projectId: write.projectId, now: write.now }
  const edit = authorize(write.actor, "edit", "secrets", at)
  return revealContent(grantsToCarryOver(edit), desk.opener, record)
}

function nextVersion(
  desk: Desk,
  folder: FolderRecord,
  of: { readonly id: string; readonly key: string; readonly version: number },
): NextVersion {
  const { write } = desk
  return {
    ...of,
    projectId: write.projectId,
    environmentId: desk.environment.id,
    folderId: folder.id,
    revision: write.revision,
    actorType: write.actor.kind,
    actorId: write.actor.id,
    createdAt: write.now,
    now: write.now,
  }
}

function tombstone(desk: Desk, record: SecretRecord): SecretTable {
  return tombstoneRow(desk.deps, desk.write, record)
}

function tombstoneRow(deps: SecretsDeps, write: ProjectWrite, record: SecretRecord): SecretTable {
  const version = record.version + 1
  const name = {
    secretId: record.id,
    folderId: record.folderId,
    key: record.key,
    version,
    revision: write.revision,
  }
  return {
    id: record.id,
    project_id: record.projectId,
    environment_id: record.environmentId,
    folder_id: record.folderId,
    key: record.key,
    type: record.type,
    user_id: null,
    version,
    revision: write.revision,
    value_sealed: record.valueSealed,
    comment_sealed: null,
    skip_multiline_encoding: null,
    reminder_note: null,
    reminder_repeat_days: null,
    metadata: "[]",
    tags: JSON.stringify(record.tagIds),
    row_mac: deps.keyring.secretRowMac(name),
    actor_type: write.actor.kind,
    actor_id: write.actor.id,
    created_at: record.createdAt,
    updated_at: write.now,
  }
}

function openRecord(desk: Desk, folder: FolderRecord, record: SecretRecord): OpenedSecret {
  const { write } = desk
  const at = { projectId: write.projectId, now: write.now }
  const value = authorizeOrNot(write.actor, "readValue", "secrets", at)
  const describe = authorizeOrNot(write.actor, "describeSecret", "secrets", at)
  if (value === undefined || describe === undefined) {
    return { ...shell(desk, folder, record), value: undefined, comment: "", metadata: [] }
  }
  const content = revealContent({ describe, value }, desk.opener, record)
  return {
    ...shell(desk, folder, record),
    value: content.value,
    comment: content.comment,
    metadata: content.metadata,
  }
}

/** The answer to a write: what the caller wrote, and what it may read of the rest. */
function openedRow(desk: Desk, folder: FolderRecord, row: SecretTable, content: SecretContent): OpenedSecret {
  const { write, deps } = desk
  const at = { projectId: write.projectId, now: write.now }
  const mayRead = authorizeOrNot(write.actor, "readValue", "secrets", at) !== undefined
  return {
    ...shell(desk, folder, secretRecordOf(row, deps.keyring)),
    value: mayRead ? content.value : undefined,
    comment: content.comment,
    metadata: mayRead ? content.metadata : content.metadata.filter((pair) => !pair.isEncrypted),
  }
}

function shell(desk: Desk, folder: FolderRecord, record: SecretRecord) {
  const { tags } = desk.write.structure
  return {
    record,
    environment: desk.environment.slug,
    path: folder.path,
    tags: record.tagIds.flatMap((id) => tags.get(id) ?? []),
  }
}

function changeAt(desk: Desk, folder: FolderRecord) {
  return { environmentId: desk.environment.id, folderId: folder.id, path: folder.path }
}

function auditWrite(
  desk: Desk,
  verb: "create" | "update" | "delete",
  path: string,
  secrets: readonly OpenedSecret[],
): void {
  const environment = desk.environment.slug
  const named = secrets.map(({ record, path: secretPath }) => ({
    secretId: record.id,
    secretKey: record.key,
    secretVersion: record.version,
    secretPath,
  }))
  const [only] = named
  if (named.length === 1 && only !== undefined) desk.write.audit(`${verb}-secret`, { environment, ...only })
  else desk.write.audit(`${verb}-secrets`, { environment, secretPath: path, secrets: named })
}

function requireTags(desk: Desk, tagIds: readonly string[]): void {
  const unknown = tagIds.find((id) => !desk.write.structure.tags.has(id))
  if (unknown === undefined) return
  throw new AppError("not-found", "NotFound", `Tag with ID '${unknown}' not found`)
}

function alreadyExist(keys: readonly string[]): AppError {
  const which = keys.length === 0 ? "" : `: ${keys.join(",")}`
  return new AppError("invalid", "CreateSecret", `Secret already exist${which}`)
}

function notFound(key: string): never {
  throw secretNotFound(key)
}
