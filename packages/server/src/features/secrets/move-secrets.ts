import type { Session } from "../../actor.ts"
import type { SecretRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import type { Grant } from "../authorization/index.ts"
import type { ProjectRef } from "../project-access/index.ts"
import {
  atDesk,
  authorizeSecret,
  changeAt,
  type Desk,
  type FolderRef,
  refOf,
  type Spot,
  spotFor,
} from "./desk.ts"
import { requireDistinct } from "./domain.ts"
import { listOverrides } from "./override-store.ts"
import type { SecretsDeps } from "./read-secrets.ts"
import { revealContent } from "./sealing.ts"
import { findSecretsById, updateSecretsElsewhere } from "./store.ts"
import { findAt, nextRow, removeRecords } from "./write-secrets.ts"

/**
 * Moves secrets of one folder to another, all or none. They keep their ids and their history, and take everybody's
 * overrides along. With `overwrite` a secret of the same name at the destination is deleted first.
 *
 * @throws AppError "not-found" for a place or an id that is missing; "invalid" naming every key that is taken
 */
export async function moveSecrets(
  deps: SecretsDeps,
  session: Session,
  input: {
    readonly project: ProjectRef
    readonly source: FolderRef
    readonly destination: FolderRef
    readonly secretIds: readonly string[]
    readonly overwrite: boolean
  },
): Promise<void> {
  await atDesk(deps, session, input.project, ["delete", "create"], async (desk) => {
    const source = spotFor(desk, "delete", input.source, [""])
    const destination = spotFor(desk, "create", input.destination, [""])
    if (source.folder.id === destination.folder.id) {
      throw new AppError("invalid", "BadRequest", "The secrets already are in the destination folder")
    }
    const records = await recordsOf(desk, source, input.secretIds)
    const grants = records.map((record) => authorizeDeparture(desk, refOf(source), record))
    const taken = await clearTheWay(desk, destination, records, input.overwrite)
    const moves = records.map((record, index) => ({
      record,
      destination,
      grants: grants[index] as Departure,
    }))
    await relocate(desk, source.folder.id, moves)
    recordMove(desk, { source, destination, records, taken })
  })
}

/** Proof that a secret may leave its place with all it says: to move it is to show it to those at the other place. */
export type Departure = {
  readonly describe: Grant<"describeSecret">
  readonly value: Grant<"readValue">
}

/** @throws AppError "forbidden" unless the actor may delete the secret and read its value where it is */
export function authorizeDeparture(desk: Desk, at: FolderRef, record: SecretRecord): Departure {
  authorizeSecret(desk, "delete", at, record)
  return {
    describe: authorizeSecret(desk, "describeSecret", at, record),
    value: authorizeSecret(desk, "readValue", at, record),
  }
}

/** A shared secret that goes to another spot; whoever moves it has the right to put it there. */
export type Relocation = {
  readonly record: SecretRecord
  readonly destination: Spot
  readonly grants: Departure
}

/** Writes the next versions of secrets of one folder, and of everybody's overrides of them, at other spots. */
export async function relocate(desk: Desk, folderId: string, moves: readonly Relocation[]): Promise<void> {
  const { write, deps } = desk
  const { projectId } = write
  const keys = moves.map(({ record }) => record.key)
  const overrides = await listOverrides(write.db, deps.keyring, { projectId, folderId, keys })
  const overridesByKey = Map.groupBy(overrides, (override) => override.key)
  const rows = moves.flatMap(({ record, destination, grants }) =>
    [record, ...(overridesByKey.get(record.key) ?? [])].map((one) => {
      const content = revealContent(grants, desk.opener, one)
      const tagIds = content.tagIds.filter((id) => write.structure.tags.has(id))
      return nextRow(desk, destination, one, one.key, { ...content, tagIds })
    }),
  )
  await updateSecretsElsewhere(write.db, projectId, { rows })
}

async function recordsOf(desk: Desk, source: Spot, ids: readonly string[]): Promise<readonly SecretRecord[]> {
  const { write, deps } = desk
  requireDistinct(ids)
  const at = { projectId: write.projectId, folderId: source.folder.id, ids }
  const known = await findSecretsById(write.db, deps.keyring, at)
  const missing = ids.filter((id) => !known.has(id))
  if (missing.length > 0) {
    const which = `'${missing.join("', '")}'`
    throw new AppError(
      "not-found",
      "NotFound",
      `Secrets with ID ${which} not found in '${source.folder.path}'`,
    )
  }
  return ids.flatMap((id) => known.get(id) ?? [])
}

/** Authorises every arrival, and deletes what is in the way if it may be; answers with the keys that were taken. */
async function clearTheWay(
  desk: Desk,
  destination: Spot,
  records: readonly SecretRecord[],
  mayOverwrite: boolean,
): Promise<readonly string[]> {
  const keys = records.map((record) => record.key)
  const taken = await findAt(desk, destination, null, keys)
  for (const record of records) {
    const old = taken.get(record.key)
    if (old !== undefined && mayOverwrite) authorizeSecret(desk, "edit", refOf(destination), old)
    authorizeSecret(desk, old === undefined ? "create" : "edit", refOf(destination), record)
  }
  if (taken.size > 0 && !mayOverwrite) throw keysTaken(destination, [...taken.keys()])
  const gone = [...taken.values()]
  const { write, deps } = desk
  const at = { projectId: write.projectId, folderId: destination.folder.id, keys: [...taken.keys()] }
  const overrides = await listOverrides(write.db, deps.keyring, at)
  await removeRecords(deps, write, [...gone, ...overrides])
  return [...taken.keys()]
}

/** The refusal that names everything that is in the way. */
function keysTaken(destination: Spot, keys: readonly string[]): AppError {
  const { environment, folder } = destination
  const sorted = [...keys].sort()
  return new AppError(
    "invalid",
    "BadRequest",
    `Already in '${folder.path}' of environment '${environment.slug}': ${sorted.join(", ")}`,
    { details: { environment: environment.slug, secretPath: folder.path, secretKeys: sorted } },
  )
}

function recordMove(
  { write }: Desk,
  move: {
    readonly source: Spot
    readonly destination: Spot
    readonly records: readonly SecretRecord[]
    readonly taken: readonly string[]
  },
): void {
  const { source, destination, records, taken } = move
  const keys = records.map((record) => record.key)
  const fresh = keys.filter((key) => !taken.includes(key))
  write.change({ ...changeAt(source), kind: "secret:delete", keys })
  if (fresh.length > 0) write.change({ ...changeAt(destination), kind: "secret:create", keys: fresh })
  if (taken.length > 0) write.change({ ...changeAt(destination), kind: "secret:update", keys: taken })
  write.audit("move-secrets", {
    sourceEnvironment: source.environment.slug,
    sourceSecretPath: source.folder.path,
    destinationEnvironment: destination.environment.slug,
    destinationSecretPath: destination.folder.path,
    secretIds: records.map((record) => record.id),
    secretKeys: keys,
  })
}
