/**
 * Many secrets at once, from versions of the past: the writes of a restore. Versions are sealed for their number, so
 * each is opened and sealed again; whoever calls has the right to it, and shows nothing.
 */
import { type SecretRecord, secretRecordOf } from "../../cache/index.ts"
import { chunksOf } from "../../db/chunks.ts"
import type { Reader } from "../../db/database.ts"
import type { SecretTable } from "../../db/schema.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import { TimeSlices } from "../../time-slices.ts"
import type { ProjectWrite } from "../../use-case/index.ts"
import { type Grant, grantsToBringBack } from "../authorization/index.ts"
import { writtenBy } from "./desk.ts"
import type { SecretContent } from "./domain.ts"
import { restartReminders } from "./reminder-store.ts"
import { type Opener, revealContent } from "./sealing.ts"
import { insertVersions } from "./store.ts"
import { removeSecrets, type Tombstone } from "./tombstone-store.ts"

export type VersionRef = { readonly id: string; readonly version: number }

/** The key of a version in the answer of {@link findVersions}. */
export function versionName({ id, version }: VersionRef): string {
  return `${id}:${version}`
}

/** Opening a row and checking its name, in units of {@link TimeSlices}. */
const unitsPerVersion = 4

/**
 * Versions that hold a value, by {@link versionName}; redacted, pruned and deleted ones are absent. Between two chunks
 * others have their turn, also where the database answers at once.
 */
export async function findVersions(
  db: Reader,
  keyring: Keyring,
  projectId: string,
  refs: readonly VersionRef[],
): Promise<Map<string, SecretRecord>> {
  const found = new Map<string, SecretRecord>()
  const slices = new TimeSlices()
  for (const [version, ofVersion] of Map.groupBy(refs, (ref) => ref.version)) {
    const ids = ofVersion.map((ref) => ref.id)
    for (const chunk of chunksOf(ids)) {
      for (const record of await findOfVersion(db, keyring, { projectId, version, ids: chunk })) {
        found.set(versionName(record), record)
      }
      const pause = slices.spend(chunk.length * unitsPerVersion)
      if (pause !== undefined) await pause
    }
  }
  return found
}

async function findOfVersion(
  db: Reader,
  keyring: Keyring,
  of: { readonly projectId: string; readonly version: number; readonly ids: readonly string[] },
): Promise<readonly SecretRecord[]> {
  const rows = await db
    .selectFrom("secret_version as v")
    .leftJoin("secret as s", "s.id", "v.secret_id")
    .selectAll("v")
    .select("s.created_at as current_created_at")
    .select((eb) =>
      eb
        .selectFrom("secret_version as f")
        .select((e) => e.fn.min("f.at").as("first"))
        .whereRef("f.secret_id", "=", "v.secret_id")
        .as("first_at"),
    )
    .where("v.project_id", "=", of.projectId)
    .where("v.version", "=", of.version)
    .where("v.secret_id", "in", of.ids)
    .where("v.op", "!=", "delete")
    .execute()
  return rows.flatMap((row) => {
    const { secret_id, value_sealed, at, op: _op, current_created_at, first_at, ...rest } = row
    if (value_sealed === null) return []
    const created_at = current_created_at ?? Number(first_at ?? at)
    return [secretRecordOf({ ...rest, id: secret_id, value_sealed, created_at, updated_at: at }, keyring)]
  })
}

/** Everything an old version holds, for comparing it and sealing it anew; tags that were deleted meanwhile are left behind. */
export function contentToBringBack(
  grant: Grant<"create" | "read">,
  opener: Opener,
  record: SecretRecord,
  tags: ReadonlyMap<string, unknown>,
): SecretContent {
  const content = revealContent(grantsToBringBack(grant), opener, record)
  return { ...content, tagIds: content.tagIds.filter((id) => tags.has(id)) }
}

export type Rewrite = {
  /** Tombstones of secrets that go. */
  readonly gone: readonly Tombstone[]
  /** Secrets that were gone. */
  readonly returned: readonly SecretTable[]
  /** Next versions of secrets that are there. */
  readonly changed: readonly SecretTable[]
}

/** Makes all of it true at once: names may be swapped between secrets, since every current row goes before one comes. */
export async function rewriteSecrets(write: ProjectWrite, rewrite: Rewrite): Promise<void> {
  const { db, projectId, now } = write
  const { gone, returned, changed } = rewrite
  write.expectRows(gone.length + returned.length + changed.length)
  await removeSecrets(db, gone, { projectId, ...writtenBy(write) })
  for (const rows of chunksOf(changed)) {
    const ids = rows.map((row) => row.id)
    await db.deleteFrom("secret").where("id", "in", ids).execute()
  }
  for (const rows of chunksOf([...returned, ...changed])) {
    await db.insertInto("secret").values(rows).execute()
    const reminded = rows.filter((row) => row.reminder_repeat_days !== null)
    await restartReminders(db, reminded, now)
  }
  for (const rows of chunksOf(returned)) await insertVersions(db, rows, "create")
  for (const rows of chunksOf(changed)) await insertVersions(db, rows, "update")
}
