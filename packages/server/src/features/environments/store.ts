/** The only file that writes the table environment. */
import type { EnvironmentRecord } from "../../cache/index.ts"
import type { Writer } from "../../db/database.ts"

export async function insertEnvironment(
  db: Writer,
  projectId: string,
  environment: EnvironmentRecord,
): Promise<void> {
  await db
    .insertInto("environment")
    .values({
      id: environment.id,
      project_id: projectId,
      name: environment.name,
      slug: environment.slug,
      position: environment.position,
      created_at: environment.createdAt,
      updated_at: environment.updatedAt,
    })
    .execute()
}

export async function updateEnvironment(
  db: Writer,
  projectId: string,
  environment: EnvironmentRecord,
): Promise<void> {
  await db
    .updateTable("environment")
    .set({
      name: environment.name,
      slug: environment.slug,
      position: environment.position,
      updated_at: environment.updatedAt,
    })
    .where("id", "=", environment.id)
    .where("project_id", "=", projectId)
    .execute()
}

export async function removeEnvironment(db: Writer, projectId: string, id: string): Promise<void> {
  await db.deleteFrom("environment").where("id", "=", id).where("project_id", "=", projectId).execute()
}
