import type { Reader, Writer } from "../../db/database.ts"

/** Days that an organization keeps audit events; null for ever. */
export async function findOrganizationRetention(db: Reader, orgId: string): Promise<number | null> {
  const row = await db
    .selectFrom("organization")
    .select("audit_retention_days")
    .where("id", "=", orgId)
    .executeTakeFirst()
  return row?.audit_retention_days ?? null
}

export async function findProjectRetention(db: Reader, projectId: string): Promise<number | null> {
  const row = await db
    .selectFrom("project")
    .select("audit_retention_days")
    .where("id", "=", projectId)
    .executeTakeFirst()
  return row?.audit_retention_days ?? null
}

type Change = { readonly days: number | null; readonly now: number }

export async function updateOrganizationRetention(db: Writer, orgId: string, { days, now }: Change) {
  await db
    .updateTable("organization")
    .set({ audit_retention_days: days, updated_at: now })
    .where("id", "=", orgId)
    .execute()
}

export async function updateProjectRetention(db: Writer, projectId: string, { days, now }: Change) {
  await db
    .updateTable("project")
    .set({ audit_retention_days: days, updated_at: now })
    .where("id", "=", projectId)
    .execute()
}
