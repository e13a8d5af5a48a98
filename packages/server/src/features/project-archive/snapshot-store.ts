/** What an archive is made from, as of one revision. Versions never change, so they are read page by page afterwards. */
import type { PermissionRule } from "@coffer/contract"
import type { Selectable } from "kysely"
import { chunksOf } from "../../db/chunks.ts"
import type { Reader, Writer } from "../../db/database.ts"
import type { ProjectTable } from "../../db/schema.ts"

export type ProjectRow = Selectable<ProjectTable>

/** The project itself; its row stays locked until the write ends, so that what is read next is of this revision. */
export async function lockProject(db: Writer, projectId: string): Promise<ProjectRow | undefined> {
  return await db
    .updateTable("project")
    .set((eb) => ({ revision: eb.ref("revision") }))
    .where("id", "=", projectId)
    .where("is_hidden", "=", 0)
    .returningAll()
    .executeTakeFirst()
}

export async function listTags(db: Reader, projectId: string) {
  const rows = await db
    .selectFrom("tag")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("id")
    .execute()
  return rows.map((row) => ({
    kind: "tag" as const,
    id: row.id,
    slug: row.slug,
    color: row.color,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }))
}

export async function listRoles(db: Reader, projectId: string) {
  const rows = await db
    .selectFrom("project_role")
    .selectAll()
    .where("project_id", "=", projectId)
    .orderBy("id")
    .execute()
  return rows.map((row) => ({
    kind: "role" as const,
    id: row.id,
    slug: row.slug,
    name: row.name,
    description: row.description,
    permissions: JSON.parse(row.permissions) as PermissionRule[],
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }))
}

/** The accounts of those who have, or had, personal secrets in the project; accounts that are gone are absent. */
export async function listOwners(db: Reader, ids: readonly string[]) {
  const owners: { readonly kind: "user"; readonly id: string; readonly email: string }[] = []
  for (const chunk of chunksOf(ids)) {
    const rows = await db
      .selectFrom("user_account")
      .select(["id", "email"])
      .where("id", "in", chunk)
      .execute()
    owners.push(...rows.map(({ id, email }) => ({ kind: "user" as const, id, email })))
  }
  return owners.sort((left, right) => (left.id < right.id ? -1 : 1))
}

/** What the audit log is told before anything leaves the server. */
export async function countContents(db: Reader, projectId: string) {
  const ofTable = async (table: "environment" | "folder" | "secret" | "secret_version") => {
    const row = await db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll().as("n"))
      .where("project_id", "=", projectId)
      .executeTakeFirst()
    return Number(row?.n ?? 0)
  }
  // By folder: the index of personal secrets begins with it, and all others need not be looked at.
  const folders = db.selectFrom("folder").select("id").where("project_id", "=", projectId)
  const personal = await db
    .selectFrom("secret")
    .select((eb) => eb.fn.countAll().as("n"))
    .where("type", "=", "personal")
    .where("folder_id", "in", folders)
    .executeTakeFirst()
  const numberOfPersonalSecrets = Number(personal?.n ?? 0)
  return {
    numberOfEnvironments: await ofTable("environment"),
    numberOfFolders: await ofTable("folder"),
    numberOfSecrets: (await ofTable("secret")) - numberOfPersonalSecrets,
    numberOfPersonalSecrets,
    numberOfVersions: await ofTable("secret_version"),
  }
}

/** Whether the project is still there: what was read meanwhile is all that there was. */
export async function isStillThere(
  db: Reader,
  of: { readonly projectId: string; readonly createdAt: number; readonly revision: number },
): Promise<boolean> {
  const row = await db
    .selectFrom("project")
    .select("id")
    .where("id", "=", of.projectId)
    .where("created_at", "=", of.createdAt)
    .where("revision", ">=", of.revision)
    .where("is_hidden", "=", 0)
    .executeTakeFirst()
  return row !== undefined
}
