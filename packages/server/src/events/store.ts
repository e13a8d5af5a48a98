/** The change feed in the database: what was recorded, how far back it reaches, how far its readers have come. */
import type { Reader, Writer } from "../db/database.ts"
import type { StoredChange } from "./stored-change.ts"

/**
 * The changes of the revisions after `range.after` up to `range.upTo`, in their order. They are complete if `upTo` was
 * read before: the order of revisions is the order of commits.
 */
export async function listChanges(
  db: Reader,
  projectId: string,
  range: { readonly after: number; readonly upTo: number },
): Promise<StoredChange[]> {
  const rows = await db
    .selectFrom("change")
    .selectAll()
    .where("project_id", "=", projectId)
    .where("revision", ">", range.after)
    .where("revision", "<=", range.upTo)
    .orderBy("revision")
    .orderBy("ordinal")
    .execute()
  return rows.map((row) => ({
    revision: row.revision,
    ordinal: row.ordinal,
    kind: row.kind,
    environmentId: row.environment_id,
    folderId: row.folder_id,
    path: row.path,
    keys: JSON.parse(row.keys) as string[],
    at: row.at,
  }))
}

/** The current revision; `undefined` when there is no such project. */
export async function findRevision(db: Reader, projectId: string): Promise<number | undefined> {
  const row = await db
    .selectFrom("project")
    .select("revision")
    .where("id", "=", projectId)
    .where("is_hidden", "=", 0)
    .executeTakeFirst()
  return row?.revision
}

/** Revisions up to this one may be gone from the feed; 0 when none are. */
export async function findFloor(db: Reader, projectId: string): Promise<number> {
  const row = await db
    .selectFrom("change_floor")
    .select("revision")
    .where("project_id", "=", projectId)
    .executeTakeFirst()
  return row?.revision ?? 0
}

/** How far a project's feed may be cut: never behind a reader that must miss nothing. */
export async function findPrunableRevision(
  db: Reader,
  projectId: string,
  limits: { readonly before: number; readonly maxRevisions: number },
): Promise<number> {
  const old = await db
    .selectFrom("change")
    .select((eb) => eb.fn.max("revision").as("revision"))
    .where("project_id", "=", projectId)
    .where("at", "<", limits.before)
    .executeTakeFirst()
  const current = await findRevision(db, projectId)
  const slowest = await db
    .selectFrom("change_cursor")
    .select((eb) => eb.fn.min("revision").as("revision"))
    .where("project_id", "=", projectId)
    .executeTakeFirst()
  const wanted = Math.max(old?.revision ?? 0, (current ?? 0) - limits.maxRevisions)
  return Math.min(wanted, slowest?.revision ?? wanted)
}

/** Forgets the changes up to a revision, and says so in the same commit. */
export async function prune(db: Writer, projectId: string, upTo: number): Promise<void> {
  await db
    .insertInto("change_floor")
    .values({ project_id: projectId, revision: upTo })
    .onConflict((conflict) =>
      conflict.column("project_id").doUpdateSet({ revision: upTo }).where("change_floor.revision", "<", upTo),
    )
    .execute()
  await db.deleteFrom("change").where("project_id", "=", projectId).where("revision", "<=", upTo).execute()
}

/** Projects with changes to keep or forget, a page at a time in the order of their ids. */
export async function listProjectIds(db: Reader, after: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom("project")
    .select("id")
    .where("id", ">", after)
    .where("is_hidden", "=", 0)
    .orderBy("id")
    .limit(limit)
    .execute()
  return rows.map((row) => row.id)
}
