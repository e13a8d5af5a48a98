/**
 * Writes a project that comes out of an archive. It is there under a name of its own and invisible until the last write;
 * only this file touches rows of such a project.
 */
import type { ArchiveEntryOf, ArchiveHeader } from "@coffer/contract"
import { chunksOf } from "../../db/chunks.ts"
import type { Reader, Writer } from "../../db/database.ts"
import type { SecretTable, SecretVersionTable } from "../../db/schema.ts"
import type { EnvironmentEntry, FolderEntry, ImportEntry } from "./structure.ts"

export type FoundProject = {
  readonly orgId: string
  readonly slug: string
  readonly state: "visible" | "being-imported" | "being-removed"
}

/** `undefined` when there is no project with this id, visible or not. */
export async function findProject(db: Reader, id: string): Promise<FoundProject | undefined> {
  const row = await db
    .selectFrom("project as p")
    .leftJoin("project_import as i", "i.project_id", "p.id")
    .select(["p.org_id", "p.slug", "p.is_hidden", "i.token"])
    .where("p.id", "=", id)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const hidden = row.token === null ? "being-removed" : "being-imported"
  return { orgId: row.org_id, slug: row.slug, state: row.is_hidden === 0 ? "visible" : hidden }
}

export async function isSlugTaken(
  db: Reader,
  of: { readonly orgId: string; readonly slug: string },
): Promise<boolean> {
  const row = await db
    .selectFrom("project")
    .select("id")
    .where("org_id", "=", of.orgId)
    .where("slug", "=", of.slug)
    .executeTakeFirst()
  return row !== undefined
}

export async function insertStaged(
  db: Writer,
  of: {
    readonly id: string
    readonly orgId: string
    readonly token: string
    readonly header: ArchiveHeader
    readonly now: number
  },
): Promise<void> {
  const { project } = of.header
  await db
    .insertInto("project")
    .values({
      id: of.id,
      org_id: of.orgId,
      name: project.name,
      // No slug has a colon: nobody can hold this one already.
      slug: `importing:${of.id}`,
      description: project.description,
      revision: 0,
      auto_capitalization: project.autoCapitalization ? 1 : 0,
      has_delete_protection: project.hasDeleteProtection ? 1 : 0,
      version_limit: null,
      audit_retention_days: null,
      is_hidden: 1,
      created_at: project.createdAt,
      updated_at: project.updatedAt,
    })
    .execute()
  const underWay = { project_id: of.id, touched_at: of.now, token: of.token }
  await db.insertInto("project_import").values(underWay).execute()
}

/** One import; another one of the same project has another token. */
export type ImportRef = { readonly projectId: string; readonly token: string }

/** Says that the import goes on; false when it was given up meanwhile. Locks it until the write ends. */
export async function touchImport(db: Writer, of: ImportRef, now: number): Promise<boolean> {
  const touched = await db
    .updateTable("project_import")
    .set({ touched_at: now })
    .where("project_id", "=", of.projectId)
    .where("token", "=", of.token)
    .executeTakeFirst()
  return touched.numUpdatedRows > 0n
}

/** The user accounts of an organization that owners of personal secrets are, by id and by address. */
export async function findPeople(
  db: Reader,
  of: { readonly orgId: string; readonly ids: readonly string[]; readonly emails: readonly string[] },
): Promise<readonly { readonly id: string; readonly email: string }[]> {
  const people = new Map<string, { readonly id: string; readonly email: string }>()
  for (const [column, texts] of [
    ["u.id", of.ids],
    ["u.email", of.emails],
  ] as const) {
    for (const chunk of chunksOf(texts)) {
      const rows = await db
        .selectFrom("user_account as u")
        .innerJoin("organization_membership as m", "m.actor_id", "u.id")
        .select(["u.id", "u.email"])
        .where("m.org_id", "=", of.orgId)
        .where("m.actor_type", "=", "user")
        .where(column, "in", chunk)
        .execute()
      for (const row of rows) people.set(row.id, row)
    }
  }
  return [...people.values()]
}

export async function insertTags(
  db: Writer,
  projectId: string,
  tags: readonly ArchiveEntryOf<"tag">[],
): Promise<void> {
  for (const chunk of chunksOf(tags)) {
    await db
      .insertInto("tag")
      .values(
        chunk.map((tag) => ({
          id: tag.id,
          project_id: projectId,
          slug: tag.slug,
          color: tag.color,
          created_by: tag.createdBy,
          created_at: tag.createdAt,
          updated_at: tag.updatedAt,
        })),
      )
      .execute()
  }
}

export async function insertRoles(
  db: Writer,
  projectId: string,
  roles: readonly ArchiveEntryOf<"role">[],
): Promise<void> {
  for (const chunk of chunksOf(roles)) {
    await db
      .insertInto("project_role")
      .values(
        chunk.map((role) => ({
          id: role.id,
          project_id: projectId,
          slug: role.slug,
          name: role.name,
          description: role.description,
          permissions: JSON.stringify(role.permissions),
          version: role.version,
          created_at: role.createdAt,
          updated_at: role.updatedAt,
        })),
      )
      .execute()
  }
}

type Versioned = EnvironmentEntry | FolderEntry | ImportEntry

function versionColumns(projectId: string, entry: Versioned) {
  return {
    version: entry.version,
    project_id: projectId,
    revision: entry.revision,
    op: entry.op,
    actor_type: entry.actorType,
    actor_id: entry.actorId,
    at: entry.at,
  }
}

/** Appends versions of environments, folders and imports. */
export async function insertStructureVersions(
  db: Writer,
  projectId: string,
  entries: readonly Versioned[],
): Promise<void> {
  for (const chunk of chunksOf(entries)) {
    const environments = chunk.filter((entry) => entry.kind === "environment")
    const folders = chunk.filter((entry) => entry.kind === "folder")
    const imports = chunk.filter((entry) => entry.kind === "import")
    if (environments.length > 0) {
      const rows = environments.map((entry) => {
        const { id: environment_id, name, slug, position } = entry
        return { environment_id, name, slug, position, ...versionColumns(projectId, entry) }
      })
      await db.insertInto("environment_version").values(rows).execute()
    }
    if (folders.length > 0) {
      const rows = folders.map((entry) => {
        const { id: folder_id, environmentId: environment_id, parentId: parent_id, name, description } = entry
        const place = { folder_id, environment_id, parent_id, name, description }
        return { ...place, ...versionColumns(projectId, entry) }
      })
      await db.insertInto("folder_version").values(rows).execute()
    }
    if (imports.length > 0) {
      const rows = imports.map((entry) => ({
        import_id: entry.id,
        ...importColumns(entry),
        ...versionColumns(projectId, entry),
      }))
      await db.insertInto("secret_import_version").values(rows).execute()
    }
  }
}

function importColumns(entry: ImportEntry) {
  return {
    folder_id: entry.folderId,
    import_environment_id: entry.importEnvironmentId,
    import_path: entry.importPath,
    position: entry.position,
    is_replication: entry.isReplication ? (1 as const) : (0 as const),
  }
}

/** Writes what is there now; parents come before children. */
export async function insertStructure(
  db: Writer,
  projectId: string,
  of: {
    readonly environments: readonly EnvironmentEntry[]
    readonly folders: readonly FolderEntry[]
    readonly imports: readonly ImportEntry[]
  },
): Promise<void> {
  const times = (entry: Versioned) => ({
    created_at: entry.current?.createdAt ?? entry.at,
    updated_at: entry.current?.updatedAt ?? entry.at,
  })
  for (const chunk of chunksOf(of.environments)) {
    const rows = chunk.map((entry) => {
      const { id, name, slug, position } = entry
      return { id, project_id: projectId, name, slug, position, ...times(entry) }
    })
    await db.insertInto("environment").values(rows).execute()
  }
  for (const chunk of chunksOf(of.folders)) {
    const rows = chunk.map((entry) => {
      const { id, environmentId: environment_id, parentId: parent_id, name, description } = entry
      const { version, revision } = entry
      const named = { id, project_id: projectId, environment_id, parent_id, name, description }
      return { ...named, version, revision, ...times(entry) }
    })
    await db.insertInto("folder").values(rows).execute()
  }
  for (const chunk of chunksOf(of.imports)) {
    const rows = chunk.map((entry) => {
      const { id, version, revision } = entry
      return { id, project_id: projectId, ...importColumns(entry), version, revision, ...times(entry) }
    })
    await db.insertInto("secret_import").values(rows).execute()
  }
}

/** One version, sealed for this server, and the current row that it is, if it is one. */
export type SealedSecret = {
  readonly version: SecretVersionTable
  readonly current: SecretTable | undefined
  readonly reminderFrom: number | null
}

export async function insertSecrets(
  db: Writer,
  projectId: string,
  secrets: readonly SealedSecret[],
): Promise<void> {
  const versions = secrets.map((secret) => secret.version)
  for (const chunk of chunksOf(versions)) await db.insertInto("secret_version").values(chunk).execute()
  const current = secrets.flatMap((secret) => secret.current ?? [])
  for (const chunk of chunksOf(current)) await db.insertInto("secret").values(chunk).execute()
  const reminders = secrets.flatMap(({ version, reminderFrom }) =>
    reminderFrom === null
      ? []
      : [{ secret_id: version.secret_id, project_id: projectId, counts_from: reminderFrom }],
  )
  for (const chunk of chunksOf(reminders)) await db.insertInto("secret_reminder").values(chunk).execute()
}

const historyTables = [
  ["environment_version", "environment_id"],
  ["folder_version", "folder_id"],
  ["secret_import_version", "import_id"],
  ["secret_version", "secret_id"],
] as const

/** The first of these ids under which another project has, or had, something; `undefined` when all are free. */
export async function findForeignId(
  db: Reader,
  projectId: string,
  ids: readonly string[],
): Promise<string | undefined> {
  for (const chunk of chunksOf(ids)) {
    for (const [table, column] of historyTables) {
      const found = await db
        .selectFrom(table)
        .select((eb) => eb.ref(column as never).as("id"))
        .where(column as never, "in", chunk as never)
        .where("project_id", "!=", projectId)
        .limit(1)
        .executeTakeFirst()
      if (found !== undefined) return found.id as string
    }
  }
  return undefined
}

/** Makes the project one of the organization's, at a revision that no earlier life of its id had. */
export async function publish(
  db: Writer,
  of: {
    readonly id: string
    readonly slug: string
    readonly name: string
    readonly header: ArchiveHeader
    readonly keepsAuditRetention: boolean
    readonly now: number
  },
): Promise<number> {
  const { project } = of.header
  const former = await db
    .selectFrom("former_project")
    .select("revision")
    .where("id", "=", of.id)
    .executeTakeFirst()
  const revision = Math.max(project.revision, former?.revision ?? 0) + 1
  await db.deleteFrom("project_import").where("project_id", "=", of.id).execute()
  await db
    .updateTable("project")
    .set({
      slug: of.slug,
      name: of.name,
      revision,
      structure_revision: revision,
      version_limit: project.versionLimit,
      trash_days: project.trashDays,
      audit_retention_days: of.keepsAuditRetention ? project.auditRetentionDays : null,
      is_hidden: 0,
    })
    .where("id", "=", of.id)
    .execute()
  const change = { kind: "project", environment_id: null, folder_id: null, path: null, keys: "[]" }
  await db
    .insertInto("change")
    .values({ project_id: of.id, revision, ordinal: 0, ...change, at: of.now })
    .execute()
  // Nobody follows the feed over the gap: what caches and clients know of an earlier life of this id is void.
  await db
    .insertInto("change_floor")
    .values({ project_id: of.id, revision: revision - 1 })
    .execute()
  return revision
}
