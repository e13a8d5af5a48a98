/**
 * Versions of a project up to a revision, page by page in the order (revision, id, version), each with what the current
 * row adds to it. No transaction stays open between pages: versions are only ever added, with later revisions.
 */
import { type RawBuilder, type Selectable, sql } from "kysely"
import type { Reader } from "../../db/database.ts"
import type {
  EnvironmentVersionTable,
  FolderVersionTable,
  SecretImportVersionTable,
  SecretVersionTable,
  VersionOperation,
} from "../../db/schema.ts"
import { TimeSlices } from "../../time-slices.ts"

/** What is exported: everything up to this revision. */
export type Extent = { readonly projectId: string; readonly revision: number }

type Position = { readonly revision: number; readonly id: string; readonly version: number }

const start: Position = { revision: 0, id: "", version: 0 }
const pageSize = 500
/** Rows with values are fetched in portions of about this size, or one by one. */
const portionBytes = 2 * 1024 * 1024

type VersionRow = {
  readonly version: number
  readonly revision: number
  readonly op: VersionOperation
  readonly actor_type: string
  readonly actor_id: string
  readonly at: number
}

export function presentVersion(id: string, row: VersionRow) {
  const { version, revision, op, actor_type: actorType, actor_id: actorId, at } = row
  return { id, version, revision, op, actorType, actorId, at }
}

function isAfter(idColumn: string, after: Position): RawBuilder<boolean> {
  const id = sql.ref(idColumn)
  return sql<boolean>`(${sql.ref("v.revision")}, ${id}, ${sql.ref("v.version")}) > (${after.revision}, ${after.id}, ${after.version})`
}

function isUpTo(idColumn: string, last: Position): RawBuilder<boolean> {
  const id = sql.ref(idColumn)
  return sql<boolean>`(${sql.ref("v.revision")}, ${id}, ${sql.ref("v.version")}) <= (${last.revision}, ${last.id}, ${last.version})`
}

/** Hands out page after page until one is empty. */
async function* pagesOf<T>(
  load: (after: Position) => Promise<readonly T[]>,
  positionOf: (item: T) => Position,
): AsyncGenerator<T, void> {
  let after = start
  for (;;) {
    const page = await load(after)
    const last = page.at(-1)
    if (last === undefined) return
    yield* page
    after = positionOf(last)
  }
}

/** A kind of thing with versions: where they are, and the current rows. */
type Kind = {
  readonly versions: "environment_version" | "folder_version" | "secret_import_version"
  readonly idColumn: string
  readonly current: "environment" | "folder" | "secret_import"
}

type WithCurrent<Row> = Row & {
  readonly newest: number
  readonly created_at: number | null
  readonly updated_at: number | null
}

/** Versions of one kind of thing, in order. */
function versionsOf<Row extends VersionRow>(
  db: Reader,
  of: Extent,
  kind: Kind,
  idOf: (row: Row) => string,
): AsyncGenerator<WithCurrent<Row>, void> {
  const [versions, current] = [sql.table(kind.versions), sql.table(kind.current)]
  const id = sql.ref(`v.${kind.idColumn}`)
  const load = async (after: Position) => {
    const { rows } = await sql<WithCurrent<Row>>`
      select v.*, c.created_at, c.updated_at, (
        select max(n.version) from ${versions} as n
        where n.${sql.ref(kind.idColumn)} = ${id} and n.revision <= ${of.revision}
      ) as newest
      from ${versions} as v left join ${current} as c on c.id = ${id}
      where v.project_id = ${of.projectId} and v.revision >= ${after.revision} and v.revision <= ${of.revision}
        and ${isAfter(`v.${kind.idColumn}`, after)}
      order by v.revision, ${id}, v.version
      limit ${pageSize}`.execute(db)
    return rows
  }
  return pagesOf(load, (row) => ({ revision: row.revision, id: idOf(row), version: row.version }))
}

/** What the current row adds to its version; nothing for older versions and for what is gone. */
function currentOf({ op, version, at, newest, created_at }: WithCurrent<VersionRow>) {
  if (op === "delete" || Number(newest) !== version) return {}
  // A current row was last written with its version.
  return { current: { createdAt: created_at ?? at, updatedAt: at } }
}

export async function* listEnvironmentVersions(db: Reader, of: Extent) {
  const kind = {
    versions: "environment_version",
    idColumn: "environment_id",
    current: "environment",
  } as const
  const idOf = (row: EnvironmentVersionTable) => row.environment_id
  for await (const row of versionsOf(db, of, kind, idOf)) {
    const { name, slug, position } = row
    const common = presentVersion(row.environment_id, row)
    yield { kind: "environment" as const, ...common, name, slug, position, ...currentOf(row) }
  }
}

export async function* listFolderVersions(db: Reader, of: Extent) {
  const kind = { versions: "folder_version", idColumn: "folder_id", current: "folder" } as const
  for await (const row of versionsOf(db, of, kind, (one: FolderVersionTable) => one.folder_id)) {
    const { environment_id: environmentId, parent_id: parentId, name, description } = row
    const common = presentVersion(row.folder_id, row)
    const place = { environmentId, parentId, name, description }
    yield { kind: "folder" as const, ...common, ...place, ...currentOf(row) }
  }
}

export async function* listImportVersions(db: Reader, of: Extent) {
  const kind = { versions: "secret_import_version", idColumn: "import_id", current: "secret_import" } as const
  for await (const row of versionsOf(db, of, kind, (one: ImportVersionRow) => one.import_id)) {
    yield {
      kind: "import" as const,
      ...presentVersion(row.import_id, row),
      folderId: row.folder_id,
      importEnvironmentId: row.import_environment_id,
      importPath: row.import_path,
      position: row.position,
      isReplication: row.is_replication === 1,
      ...currentOf(row),
    }
  }
}

type ImportVersionRow = Selectable<SecretImportVersionTable>

/** A version of a secret, sealed, with what the current row adds. */
export type SealedVersion = SecretVersionTable & {
  readonly newest: number
  readonly created_at: number
  /** From when the reminder of the current row counts. */
  readonly counts_from: number | null
}

/** Versions of secrets, of everybody; values are fetched a portion at a time. */
export async function* listSecretVersions(db: Reader, of: Extent): AsyncGenerator<SealedVersion, void> {
  for await (const portion of portionsOf(db, of)) yield* await loadPortion(db, of, portion)
}

type Portion = { readonly after: Position; readonly last: Position }

async function* portionsOf(db: Reader, of: Extent): AsyncGenerator<Portion, void> {
  let after = start
  for (;;) {
    const sizes = await loadSizes(db, of, after)
    if (sizes.length === 0) return
    let bytes = 0
    let last: Position | undefined
    for (const next of sizes) {
      if (last !== undefined && bytes + next.bytes > portionBytes) {
        yield { after, last }
        after = last
        bytes = 0
      }
      bytes += next.bytes
      last = next
    }
    if (last === undefined) return
    yield { after, last }
    after = last
  }
}

/** The next versions behind a position, in the order of the archive. */
function pageAfter(db: Reader, of: Extent, after: Position) {
  return db
    .selectFrom("secret_version as v")
    .select(["v.revision", "v.secret_id", "v.version"])
    .where("v.project_id", "=", of.projectId)
    .where("v.revision", ">=", after.revision)
    .where("v.revision", "<=", of.revision)
    .where(isAfter("v.secret_id", after))
    .orderBy("v.revision")
    .orderBy("v.secret_id")
    .orderBy("v.version")
    .limit(pageSize)
}

async function loadSizes(
  db: Reader,
  of: Extent,
  after: Position,
): Promise<readonly (Position & { readonly bytes: number })[]> {
  const rows = await pageAfter(db, of, after)
    .select(
      sql<number>`coalesce(length(v.value_sealed), 0) + coalesce(length(v.comment_sealed), 0) + length(v.metadata)`.as(
        "bytes",
      ),
    )
    .execute()
  return rows.map(({ revision, secret_id: id, version, bytes }) => ({
    revision,
    id,
    version,
    bytes: Number(bytes),
  }))
}

async function loadPortion(
  db: Reader,
  of: Extent,
  { after, last }: Portion,
): Promise<readonly SealedVersion[]> {
  const rows = await db
    .selectFrom("secret_version as v")
    .leftJoin("secret as s", "s.id", "v.secret_id")
    .leftJoin("secret_reminder as r", "r.secret_id", "v.secret_id")
    .selectAll("v")
    .select(["s.created_at as current_created_at", "r.counts_from"])
    .select((eb) => [
      eb
        .selectFrom("secret_version as n")
        .select((e) => e.fn.max("n.version").as("newest"))
        .whereRef("n.secret_id", "=", "v.secret_id")
        .where("n.revision", "<=", of.revision)
        .as("newest"),
      eb
        .selectFrom("secret_version as f")
        .select((e) => e.fn.min("f.at").as("first"))
        .whereRef("f.secret_id", "=", "v.secret_id")
        .as("first_at"),
    ])
    .where("v.project_id", "=", of.projectId)
    .where("v.revision", ">=", after.revision)
    .where("v.revision", "<=", last.revision)
    .where(isAfter("v.secret_id", after))
    .where(isUpTo("v.secret_id", last))
    .orderBy("v.revision")
    .orderBy("v.secret_id")
    .orderBy("v.version")
    .execute()
  return rows.map(({ current_created_at, first_at, newest, ...row }) => ({
    ...row,
    newest: Number(newest),
    created_at: current_created_at ?? Number(first_at ?? row.at),
  }))
}

/** Whose personal secrets there are among the versions, looked for page by page. */
export async function findOwnerIds(db: Reader, of: Extent): Promise<readonly string[]> {
  const load = (after: Position) => pageAfter(db, of, after).select("v.user_id").execute()
  const ids = new Set<string>()
  const slices = new TimeSlices()
  for await (const row of pagesOf(load, (one) => ({ ...one, id: one.secret_id }))) {
    const pause = slices.spend()
    if (pause !== undefined) await pause
    if (row.user_id !== null) ids.add(row.user_id)
  }
  return [...ids]
}

/**
 * A secret whose newest version is not the current row, though it should be, or the other way round. Looked for page by
 * page: others are served in between.
 */
export async function findInconsistentSecret(db: Reader, of: Extent): Promise<string | undefined> {
  const load = (after: Position) =>
    db
      .selectFrom("secret_version as v")
      .leftJoin("secret as s", "s.id", "v.secret_id")
      .select(["v.revision", "v.secret_id", "v.version", "v.op", "s.version as current"])
      .select((eb) =>
        eb
          .selectFrom("secret_version as n")
          .select((e) => e.fn.max("n.version").as("newest"))
          .whereRef("n.secret_id", "=", "v.secret_id")
          .as("newest"),
      )
      .where("v.project_id", "=", of.projectId)
      .where("v.revision", ">=", after.revision)
      .where(isAfter("v.secret_id", after))
      .orderBy("v.revision")
      .orderBy("v.secret_id")
      .orderBy("v.version")
      .limit(pageSize)
      .execute()
  const pages = pagesOf(load, (row) => ({ ...row, id: row.secret_id }))
  const slices = new TimeSlices()
  for await (const row of pages) {
    const pause = slices.spend()
    if (pause !== undefined) await pause
    const shouldBe = row.op === "delete" ? null : row.version
    if (Number(row.newest) === row.version && row.current !== shouldBe) return row.secret_id
  }
  return undefined
}
