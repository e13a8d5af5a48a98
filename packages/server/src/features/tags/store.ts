/** The only file that writes the table tag. */
import type { TagRecord } from "../../cache/index.ts"
import type { Writer } from "../../db/database.ts"

export async function insertTag(db: Writer, projectId: string, tag: TagRecord): Promise<void> {
  await db
    .insertInto("tag")
    .values({
      id: tag.id,
      project_id: projectId,
      slug: tag.slug,
      color: tag.color,
      created_by: tag.createdBy,
      created_at: tag.createdAt,
      updated_at: tag.updatedAt,
    })
    .execute()
}

export async function updateTag(db: Writer, projectId: string, tag: TagRecord): Promise<void> {
  await db
    .updateTable("tag")
    .set({ slug: tag.slug, color: tag.color, updated_at: tag.updatedAt })
    .where("id", "=", tag.id)
    .where("project_id", "=", projectId)
    .execute()
}

export async function removeTag(db: Writer, projectId: string, tagId: string): Promise<void> {
  await db.deleteFrom("tag").where("id", "=", tagId).where("project_id", "=", projectId).execute()
}
