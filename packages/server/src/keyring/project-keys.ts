/** Data keys of projects, kept in the database under the keyring's wrapping key. */
import { unwrapKey, wrapKey } from "@coffer/envelope"
import type { Clock } from "../clock.ts"
import type { Reader, Writer } from "../db/database.ts"
import type { ProjectDataKeyTable } from "../db/schema.ts"
import { AppError } from "../errors.ts"
import type { Random } from "../random.ts"
import { uuidBytes } from "../uuid.ts"
import type { KeyringKeys } from "./keyring-keys.ts"
import { DataKeySealer } from "./project-sealer.ts"

export type ProjectKeyDeps = { readonly keys: KeyringKeys; readonly clock: Clock; readonly random: Random }

/** @throws AppError "unavailable" when the project has no key, or one that does not open */
export async function loadProjectSealer(
  reader: Reader,
  projectId: string,
  deps: ProjectKeyDeps,
): Promise<DataKeySealer> {
  const rows = await reader
    .selectFrom("project_data_key")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("created_at", "desc")
    .execute()
  const [active, ...retired] = rows.toSorted((left, right) => activity(right) - activity(left))
  if (active === undefined || active.retired_at !== null) throw unreadable("has no data key")
  return new DataKeySealer(
    projectId,
    [unwrap(active, deps), ...retired.map((row) => unwrap(row, deps))],
    (size) => deps.random.bytes(size),
  )
}

export async function insertProjectKey(
  db: Writer,
  projectId: string,
  deps: ProjectKeyDeps,
): Promise<DataKeySealer> {
  const { id: wrappingKeyId, keyBytes: wrappingKeyBytes } = deps.keys.active.wrapping
  const randomBytes = (size: number) => deps.random.bytes(size)
  const id = deps.random.uuid()
  const keyBytes = randomBytes(32)
  const wrappingKey = { idBytes: uuidBytes(wrappingKeyId), keyBytes: wrappingKeyBytes }
  await db
    .insertInto("project_data_key")
    .values({
      id,
      project_id: projectId,
      wrapping_key_id: wrappingKeyId,
      wrapped_key: wrapKey(wrappingKey, placeOf(projectId, id), keyBytes, randomBytes),
      created_at: deps.clock.now(),
      retired_at: null,
    })
    .execute()
  return new DataKeySealer(projectId, [{ idBytes: uuidBytes(id), keyBytes }], randomBytes)
}

function unwrap(row: ProjectDataKeyTable, deps: ProjectKeyDeps) {
  const wrappingKeyBytes = deps.keys.wrapping.get(row.wrapping_key_id)
  try {
    const place = placeOf(row.project_id, row.id)
    return { idBytes: uuidBytes(row.id), keyBytes: unwrapKey(() => wrappingKeyBytes, place, row.wrapped_key) }
  } catch (cause) {
    throw unreadable("has a data key that does not open", cause)
  }
}

function unreadable(why: string, cause?: unknown): AppError {
  return new AppError("unavailable", "ProjectKeyUnreadable", `The project ${why}`, { cause })
}

function activity(row: ProjectDataKeyTable): number {
  return row.retired_at === null ? 1 : 0
}

function placeOf(projectId: string, id: string): readonly string[] {
  return ["project-data-key", projectId, id]
}
