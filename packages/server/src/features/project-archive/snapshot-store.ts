/** What an archive is made from, as of one revision. Versions never change, so they are read page by page afterwards. */
import type { PermissionRule } from "@coffer/contract"
import type { Selectable } from "kysely"
import type { Reader, Writer } from "../../db/database.ts"
import type { ProjectTable } from "../../db/schema.ts"

export type ProjectRow = Selectable<ProjectTable>

/** The project itself; its row stays locked until the write ends, so that what is read next is of this revision. */
export async function lockProject(db: Writer, projectId: string): Promise<ProjectRow | undefined> {
  return await db
    .updateTable("project")
    .set((eb) => ({ revision: eb.ref("revision") }))
    .where("id", "=", projectId)
    .where("is_importing", "=", 0)
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

/** Who has, or had, personal secrets in the project. */
export async function listOwners(db: Reader, projectId: string) {
  const rows = await db
    .selectFrom("user_account as u")
    .select(["u.id", "u.email"])
    .where("u.id", "in", (eb) =>
      eb
        .selectFrom("secret_version")
        .select("user_id")
        .where("project_id", "=", projectId)
        .where("user_id", "is not", null)
        .$castTo<{ user_id: string }>(),
    )
    .orderBy("u.id")
    .execute()
  return rows.map(({ id, email }) => ({ kind: "user" as const, id, email }))
}

/** What the audit log is told before anything leaves the server. */
export async function countContents(db: Reader, projectId: string) {
  const ofTable = async (table: "environment" | "folder" | "secret_version") => {
    const row = await db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll().as("n"))
      .where("project_id", "=", projectId)
      .executeTakeFirst()
    return Number(row?.n ?? 0)
  }
  const secrets = await db
    .selectFrom("secret")
    .select((eb) => ["type", eb.fn.countAll().as("n")])
    .where("project_id", "=", projectId)
    .groupBy("type")
    .execute()
  const ofType = (type: string) => Number(secrets.find((row) => row.type === type)?.n ?? 0)
  return {
    numberOfEnvironments: await ofTable("environment"),
    numberOfFolders: await ofTable("folder"),
    numberOfSecrets: ofType("shared"),
    numberOfPersonalSecrets: ofType("personal"),
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
    .executeTakeFirst()
  return row !== undefined
}
