/** What the versions say of a moment: the newest version of each record that is not newer than a revision. */
import type { Reader } from "../../db/database.ts"
import type { VersionOperation } from "../../db/schema.ts"
import type { Contents, EnvironmentState, FolderState, ImportState, SecretState } from "./state.ts"

/** A record as its newest version has it: `op` "delete" for one that is gone. */
export type Entry<T> = {
  readonly state: T
  readonly op: VersionOperation
  readonly version: number
  readonly revision: number
  readonly actorType: string
  readonly actorId: string
  readonly at: number
}

export type Entries = {
  readonly environments: ReadonlyMap<string, Entry<EnvironmentState>>
  readonly folders: ReadonlyMap<string, Entry<FolderState>>
  readonly imports: ReadonlyMap<string, Entry<ImportState>>
  /** Shared secrets only. */
  readonly secrets: ReadonlyMap<string, Entry<SecretState>>
}

export const newest = Number.MAX_SAFE_INTEGER

/** Everything that had a version by then, also what was deleted by then. */
export async function loadEntries(db: Reader, projectId: string, revision: number): Promise<Entries> {
  const at = { projectId, revision }
  return {
    environments: await environmentEntries(db, at),
    folders: await folderEntries(db, at),
    imports: await importEntries(db, at),
    secrets: await secretEntries(db, at),
  }
}

/** @throws Error when there is no such project */
export async function currentRevision(db: Reader, projectId: string): Promise<number> {
  const row = await db
    .selectFrom("project")
    .select("revision")
    .where("id", "=", projectId)
    .executeTakeFirstOrThrow()
  return row.revision
}

/** What was there. */
export function contentsOf(entries: Entries): Contents {
  return {
    environments: present(entries.environments),
    folders: present(entries.folders),
    imports: present(entries.imports),
    secrets: present(entries.secrets),
  }
}

function present<T>(entries: ReadonlyMap<string, Entry<T>>): ReadonlyMap<string, T> {
  const states = new Map<string, T>()
  for (const [id, entry] of entries) if (entry.op !== "delete") states.set(id, entry.state)
  return states
}

type Moment = { readonly projectId: string; readonly revision: number }

async function environmentEntries(db: Reader, at: Moment): Promise<Entries["environments"]> {
  const rows = await db
    .selectFrom("environment_version as v")
    .innerJoin(
      (eb) =>
        eb
          .selectFrom("environment_version")
          .select((e) => ["environment_id as id", e.fn.max("version").as("newest")])
          .where("project_id", "=", at.projectId)
          .where("revision", "<=", at.revision)
          .groupBy("environment_id")
          .as("n"),
      (join) => join.onRef("n.id", "=", "v.environment_id").onRef("n.newest", "=", "v.version"),
    )
    .selectAll("v")
    .execute()
  return new Map(
    rows.map((row) => {
      const { environment_id: id, name, slug, position } = row
      return [id, entryOf(row, { id, name, slug, position })]
    }),
  )
}

async function folderEntries(db: Reader, at: Moment): Promise<Entries["folders"]> {
  const rows = await db
    .selectFrom("folder_version as v")
    .innerJoin(
      (eb) =>
        eb
          .selectFrom("folder_version")
          .select((e) => ["folder_id as id", e.fn.max("version").as("newest")])
          .where("project_id", "=", at.projectId)
          .where("revision", "<=", at.revision)
          .groupBy("folder_id")
          .as("n"),
      (join) => join.onRef("n.id", "=", "v.folder_id").onRef("n.newest", "=", "v.version"),
    )
    .selectAll("v")
    .execute()
  return new Map(
    rows.map((row) => {
      const { folder_id: id, environment_id: environmentId, parent_id: parentId, name, description } = row
      return [id, entryOf(row, { id, environmentId, parentId, name, description })]
    }),
  )
}

async function importEntries(db: Reader, at: Moment): Promise<Entries["imports"]> {
  const rows = await db
    .selectFrom("secret_import_version as v")
    .innerJoin(
      (eb) =>
        eb
          .selectFrom("secret_import_version")
          .select((e) => ["import_id as id", e.fn.max("version").as("newest")])
          .where("project_id", "=", at.projectId)
          .where("revision", "<=", at.revision)
          .groupBy("import_id")
          .as("n"),
      (join) => join.onRef("n.id", "=", "v.import_id").onRef("n.newest", "=", "v.version"),
    )
    .selectAll("v")
    .execute()
  return new Map(
    rows.map((row) => {
      const state = {
        id: row.import_id,
        folderId: row.folder_id,
        importEnvironmentId: row.import_environment_id,
        importPath: row.import_path,
        position: row.position,
        isReplication: row.is_replication === 1,
      }
      return [state.id, entryOf(row, state)]
    }),
  )
}

async function secretEntries(db: Reader, at: Moment): Promise<Entries["secrets"]> {
  const rows = await db
    .selectFrom("secret_version as v")
    .innerJoin(
      (eb) =>
        eb
          .selectFrom("secret_version")
          .select((e) => ["secret_id as id", e.fn.max("version").as("newest")])
          .where("project_id", "=", at.projectId)
          .where("revision", "<=", at.revision)
          .where("type", "=", "shared")
          .groupBy("secret_id")
          .as("n"),
      (join) => join.onRef("n.id", "=", "v.secret_id").onRef("n.newest", "=", "v.version"),
    )
    .select(["v.secret_id", "v.version", "v.revision", "v.op", "v.environment_id", "v.folder_id", "v.key"])
    .select(["v.actor_type", "v.actor_id", "v.at"])
    .execute()
  return new Map(
    rows.map((row) => {
      const { secret_id: id, environment_id: environmentId, folder_id: folderId, key, version } = row
      return [id, entryOf(row, { id, environmentId, folderId, key, version })]
    }),
  )
}

function entryOf<T>(
  row: {
    readonly op: VersionOperation
    readonly version: number
    readonly revision: number
    readonly actor_type: string
    readonly actor_id: string
    readonly at: number
  },
  state: T,
): Entry<T> {
  const { op, version, revision, at } = row
  return { state, op, version, revision, actorType: row.actor_type, actorId: row.actor_id, at }
}

/** Shared secrets whose oldest versions are gone: what they were before those that are left cannot be known. */
export async function listPrunedSecrets(db: Reader, projectId: string): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("secret_version")
    .select("secret_id")
    .where("project_id", "=", projectId)
    .where("type", "=", "shared")
    .groupBy("secret_id")
    .having((eb) => eb.fn.min("version"), ">", 1)
    .execute()
  return new Set(rows.map((row) => row.secret_id))
}

/** Versions whose value was taken out for good. */
export async function listRedactedVersions(
  db: Reader,
  projectId: string,
): Promise<readonly { readonly id: string; readonly version: number }[]> {
  return await db
    .selectFrom("secret_version")
    .select(["secret_id as id", "version"])
    .where("project_id", "=", projectId)
    .where("op", "!=", "delete")
    .where("value_sealed", "is", null)
    .execute()
}

const versionTables = [
  "secret_version",
  "folder_version",
  "secret_import_version",
  "environment_version",
] as const

/** The newest revision that changed something by `time` (milliseconds); `undefined` when that was before everything. */
export async function findRevisionAt(
  db: Reader,
  projectId: string,
  time: number,
): Promise<number | undefined> {
  let found: number | undefined
  for (const table of versionTables) {
    const row = await db
      .selectFrom(table)
      .select((eb) => eb.fn.max("revision").as("revision"))
      .where("project_id", "=", projectId)
      .where("at", "<=", time)
      .executeTakeFirst()
    const revision = row?.revision as number | null | undefined
    if (revision !== null && revision !== undefined) found = Math.max(found ?? 0, Number(revision))
  }
  return found
}
