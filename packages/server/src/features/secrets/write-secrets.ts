import type { Session } from "../../actor.ts"
import type { SecretRecord } from "../../cache/index.ts"
import type { SecretTable } from "../../db/schema.ts"
import { AppError } from "../../errors.ts"
import type { ProjectWrite } from "../../use-case/index.ts"
import type { Grant } from "../authorization/index.ts"
import {
  atDesk,
  auditWrite,
  authorizeRenaming,
  authorizeSecret,
  changeAt,
  contentOf,
  type Desk,
  nextVersion,
  openedRow,
  openRecord,
  ownerOf,
  refOf,
  requireTags,
  type Spot,
  spotFor,
  type WritePlace,
  writtenBy,
} from "./desk.ts"
import {
  isReminderRestarted,
  newContent,
  type OpenedSecret,
  requireAllowedKey,
  requireDistinct,
  type SecretChange,
  type SecretContent,
  secretNotFound,
  withChange,
} from "./domain.ts"
import { listOverrides } from "./override-store.ts"
import type { SecretsDeps } from "./read-secrets.ts"
import { restartReminders } from "./reminder-store.ts"
import { sealSecret, sealTombstone } from "./sealing.ts"
import { findSecrets, insertSecrets, updateSecretsElsewhere, updateSecretsInPlace } from "./store.ts"
import { removeSecrets } from "./tombstone-store.ts"

type SecretType = "shared" | "personal"
export type NewSecret = SecretChange & { readonly key: string; readonly type: SecretType }
export type ChangedSecret = NewSecret & {
  readonly newKey?: string | undefined
  /** Overrides the path of the batch. */
  readonly path?: string | undefined
}
export type GoneSecret = { readonly key: string; readonly type: SecretType }
export type UpdateMode = "failOnNotFound" | "upsert" | "ignore"

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
  return await atDesk(deps, session, place.project, ["create"], async (desk) => {
    const keys = secrets.map((secret) => secret.key)
    const created = await insertNew(desk, spotFor(desk, "create", place, keys), secrets)
    auditWrite(desk, "create", place, created)
    return created
  })
}

/**
 * Writes the next version of secrets, all or none. New names of a folder are judged together: those that others of the
 * batch leave are free, so that two secrets can swap theirs.
 * @throws AppError "not-found" when one is missing and `mode` is failOnNotFound; "invalid" when a new name is taken
 */
export async function updateSecrets(
  deps: SecretsDeps,
  session: Session,
  place: WritePlace,
  batch: { readonly mode: UpdateMode; readonly secrets: readonly ChangedSecret[] },
): Promise<readonly OpenedSecret[]> {
  return await atDesk(deps, session, place.project, ["edit"], async (desk) => {
    const written: OpenedSecret[] = []
    for (const [path, secrets] of Map.groupBy(batch.secrets, (secret) => secret.path ?? place.path)) {
      const keys = secrets.map((secret) => secret.key)
      const spot = spotFor(desk, "edit", { environment: place.environment, path }, keys)
      written.push(...(await updateAt(desk, spot, { mode: batch.mode, secrets })))
    }
    auditWrite(desk, "update", place, written)
    return written
  })
}

/**
 * Deletes secrets, all or none; the history keeps them. With a shared secret go everybody's overrides of it.
 * @throws AppError "not-found" when one is missing
 */
export async function deleteSecrets(
  deps: SecretsDeps,
  session: Session,
  place: WritePlace,
  secrets: readonly GoneSecret[],
): Promise<readonly OpenedSecret[]> {
  return await atDesk(deps, session, place.project, ["delete"], async (desk) => {
    const keys = secrets.map((secret) => secret.key)
    const spot = spotFor(desk, "delete", place, keys)
    const removed: OpenedSecret[] = []
    for (const [type, ofType] of byType(secrets)) removed.push(...(await deleteAt(desk, spot, type, ofType)))
    auditWrite(desk, "delete", place, removed)
    return removed
  })
}

/** Leaves tombstones for these secrets; the caller has authorised, and records the change. */
export async function removeRecords(
  deps: SecretsDeps,
  write: ProjectWrite,
  records: readonly SecretRecord[],
): Promise<void> {
  const tombstones = records.map((record) => sealTombstone(deps.keyring, record, write.revision))
  await removeSecrets(write.db, tombstones, { projectId: write.projectId, ...writtenBy(write) })
}

/** Creates secrets in a folder; asks for the right to each. */
export async function insertNew(
  desk: Desk,
  spot: Spot,
  secrets: readonly NewSecret[],
): Promise<readonly OpenedSecret[]> {
  for (const { key, tagIds = [] } of secrets) {
    authorizeSecret(desk, "create", refOf(spot), { key, tagIds })
    requireAllowedKey(key, desk.write.structure.project.autoCapitalization)
    requireTags(desk, tagIds)
  }
  const created: OpenedSecret[] = []
  for (const [type, ofType] of byType(secrets)) created.push(...(await insertLayer(desk, spot, type, ofType)))
  return created
}

async function insertLayer(
  desk: Desk,
  spot: Spot,
  type: SecretType,
  secrets: readonly NewSecret[],
): Promise<readonly OpenedSecret[]> {
  const { deps, write } = desk
  const userId = ownerOf(write.actor, type)
  const keys = secrets.map((secret) => secret.key)
  requireDistinct(keys)
  const known = await findAt(desk, spot, userId, keys)
  if (known.size > 0) throw alreadyExist(secrets.length === 1 ? [] : [...known.keys()])
  if (userId !== null) await requireSharedOnes(desk, spot, keys)
  const made = secrets.map((secret) => {
    const content = newContent(secret)
    const of = { id: deps.random.uuid(), key: secret.key, version: 1, userId }
    return { content, row: sealSecret(deps.keyring, desk.opener, nextVersion(desk, spot, of), content) }
  })
  const rows = made.map((one) => one.row)
  await insertSecrets(write.db, rows)
  await restartReminders(write.db, rows, write.now)
  if (userId === null) write.change({ ...changeAt(spot), kind: "secret:create", keys })
  return made.map(({ row, content }) => openedRow(desk, spot, row, content))
}

/** Writes the next version of secrets of one folder; asks for the right to each. */
export async function updateAt(
  desk: Desk,
  spot: Spot,
  batch: { readonly mode: UpdateMode; readonly secrets: readonly ChangedSecret[] },
): Promise<readonly OpenedSecret[]> {
  const written: OpenedSecret[] = []
  for (const [type, secrets] of byType(batch.secrets)) {
    written.push(...(await updateLayer(desk, spot, type, { mode: batch.mode, secrets })))
  }
  return written
}

async function updateLayer(
  desk: Desk,
  spot: Spot,
  type: SecretType,
  batch: { readonly mode: UpdateMode; readonly secrets: readonly ChangedSecret[] },
): Promise<readonly OpenedSecret[]> {
  const { write } = desk
  const keys = batch.secrets.map((secret) => secret.key)
  requireDistinct(keys)
  const known = await findAt(desk, spot, ownerOf(write.actor, type), keys)
  const missing = batch.secrets.filter((secret) => !known.has(secret.key))
  const updates: Update[] = []
  const changed = new Set<string>()
  for (const secret of batch.secrets) {
    const record = known.get(secret.key)
    if (record !== undefined) {
      updates.push(updateOne(desk, spot, record, secret))
      changed.add(secret.key).add(secret.newKey ?? secret.key)
    } else if (batch.mode !== "upsert") {
      authorizeSecret(desk, "edit", refOf(spot), { key: secret.key, tagIds: [] })
      if (batch.mode === "failOnNotFound") throw secretNotFound(secret.key)
    }
  }
  const [renamed, staying] = [updates.filter(isRenamed), updates.filter((update) => !isRenamed(update))]
  await updateSecretsInPlace(
    write.db,
    write.projectId,
    staying.map(({ row }) => row),
  )
  await renameAll(desk, spot, renamed)
  const reminded = updates.filter((update) => update.restartsReminder)
  await restartReminders(
    write.db,
    reminded.map(({ row }) => row),
    write.now,
  )
  if (changed.size > 0 && type === "shared") {
    write.change({ ...changeAt(spot), kind: "secret:update", keys: [...changed] })
  }
  const written = updates.map(({ row, content }) => openedRow(desk, spot, row, content))
  if (batch.mode === "upsert" && missing.length > 0) written.push(...(await insertNew(desk, spot, missing)))
  return written
}

type Update = {
  readonly record: SecretRecord
  readonly edit: Grant<"edit">
  readonly row: SecretTable
  readonly content: SecretContent
  readonly restartsReminder: boolean
}

function isRenamed({ record, row }: Update): boolean {
  return row.key !== record.key
}

/** Makes the next version of a secret; the caller stores it. Whether its new name is free is not judged here. */
function updateOne(desk: Desk, spot: Spot, record: SecretRecord, change: ChangedSecret): Update {
  const edit = authorizeSecret(desk, "edit", refOf(spot), record)
  if (change.tagIds !== undefined) requireTags(desk, change.tagIds)
  const key = change.newKey ?? record.key
  const old = contentOf(desk, edit, record)
  const content = withChange(old, change)
  authorizeSecret(desk, "edit", refOf(spot), { key, tagIds: content.tagIds })
  if (key !== record.key || change.tagIds !== undefined) {
    authorizeRenaming(desk, refOf(spot), record, { key, tagIds: content.tagIds })
  }
  if (key !== record.key) requireName(desk, record, key)
  const row = nextRow(desk, spot, record, key, content)
  return { record, edit, row, content, restartsReminder: isReminderRestarted(old, content) }
}

/** Writes secrets of one folder under their new names, everybody's overrides with them. */
async function renameAll(desk: Desk, spot: Spot, renamed: readonly Update[]): Promise<void> {
  if (renamed.length === 0) return
  const { write, deps } = desk
  const byOldKey = new Map(renamed.map((update) => [update.record.key, update]))
  const newKeys = renamed.map(({ row }) => row.key)
  requireDistinct(newKeys)
  const isTaken = new Set(newKeys)
  const taken = await findAt(desk, spot, null, newKeys)
  const clash = newKeys.find((key) => taken.has(key) && !byOldKey.has(key))
  if (clash !== undefined) throw nameTaken(clash)
  const { projectId } = write
  const at = { projectId, folderId: spot.folder.id, keys: [...byOldKey.keys()] }
  const moves = renamed.map(({ record, row }) => ({ record, row }))
  for (const record of await listOverrides(write.db, deps.keyring, at)) {
    const shared = byOldKey.get(record.key)
    if (shared === undefined) continue
    const content = contentOf(desk, shared.edit, record)
    moves.push({ record, row: nextRow(desk, spot, record, shared.row.key, content) })
  }
  await updateSecretsElsewhere(write.db, projectId, {
    rows: moves.map(({ row }) => row),
    leaving: moves.filter(({ record }) => isTaken.has(record.key)).map(({ record }) => record.id),
  })
}

/** Seals the next version of a secret; the caller stores it. */
export function nextRow(
  desk: Desk,
  spot: Spot,
  record: SecretRecord,
  key: string,
  content: SecretContent,
): SecretTable {
  const { id, userId, createdAt } = record
  const next = nextVersion(desk, spot, { id, key, userId, createdAt, version: record.version + 1 })
  return sealSecret(desk.deps.keyring, desk.opener, next, content)
}

async function deleteAt(
  desk: Desk,
  spot: Spot,
  type: SecretType,
  secrets: readonly GoneSecret[],
): Promise<readonly OpenedSecret[]> {
  const { write, deps } = desk
  const userId = ownerOf(write.actor, type)
  const keys = secrets.map((secret) => secret.key)
  requireDistinct(keys)
  const known = await findAt(desk, spot, userId, keys)
  const records = keys.map((key) => {
    const record = known.get(key)
    authorizeSecret(desk, "delete", refOf(spot), record ?? { key, tagIds: [] })
    if (record === undefined) throw secretNotFound(key)
    return record
  })
  const removed = records.map((record) => openRecord(desk, spot, record))
  const { projectId } = write
  const at = { projectId, folderId: spot.folder.id, keys }
  const overrides = userId === null ? await listOverrides(write.db, deps.keyring, at) : []
  await removeRecords(deps, write, [...records, ...overrides])
  if (userId === null) write.change({ ...changeAt(spot), kind: "secret:delete", keys })
  return removed
}

/** Secrets of a folder by key: the shared ones, or one user's overrides. */
export async function findAt(
  { deps, write }: Desk,
  spot: Spot,
  userId: string | null,
  keys: readonly string[],
): Promise<Map<string, SecretRecord>> {
  const at = { projectId: write.projectId, folderId: spot.folder.id, userId, keys }
  return await findSecrets(write.db, deps.keyring, at)
}

/** Shared ones first: an override in the same batch needs them. */
function byType<T extends { readonly type: SecretType }>(secrets: readonly T[]): [SecretType, T[]][] {
  const groups = Map.groupBy(secrets, (secret) => secret.type)
  return (["shared", "personal"] as const).flatMap((type) => {
    const group = groups.get(type)
    return group === undefined ? [] : [[type, group]]
  })
}

async function requireSharedOnes(desk: Desk, spot: Spot, keys: readonly string[]): Promise<void> {
  const shared = await findAt(desk, spot, null, keys)
  const alone = keys.find((key) => !shared.has(key))
  if (alone === undefined) return
  throw new AppError(
    "invalid",
    "CreateSecret",
    `There is no shared secret with name '${alone}' that a personal one could override; create it first`,
  )
}

/** @throws AppError "invalid" unless a secret may be called so at all */
function requireName(desk: Desk, record: SecretRecord, key: string): void {
  if (record.userId !== null) {
    throw new AppError(
      "invalid",
      "UpdateSecret",
      "A personal secret has the name of the shared secret that it overrides; rename that one",
    )
  }
  requireAllowedKey(key, desk.write.structure.project.autoCapitalization)
}

function nameTaken(key: string): AppError {
  return new AppError("invalid", "UpdateSecret", `Secret with name '${key}' already exists`)
}

function alreadyExist(keys: readonly string[]): AppError {
  const which = keys.length === 0 ? "" : `: ${keys.join(",")}`
  return new AppError("invalid", "CreateSecret", `Secret already exist${which}`)
}
