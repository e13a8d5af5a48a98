/** How much of the past a project keeps, and taking away the rest. */
import type { Reader, Writer } from "../../db/database.ts"

export type HistorySettings = {
  /** How many versions of a secret are kept; null for all. */
  readonly versionLimit: number | null
  /** After how many days the values of deleted secrets go; null for never. */
  readonly trashDays: number | null
}

export async function findSettings(db: Reader, projectId: string): Promise<HistorySettings> {
  const row = await db
    .selectFrom("project")
    .select(["version_limit as versionLimit", "trash_days as trashDays"])
    .where("id", "=", projectId)
    .executeTakeFirst()
  return row ?? { versionLimit: null, trashDays: null }
}

export async function updateSettings(
  db: Writer,
  projectId: string,
  settings: HistorySettings,
): Promise<void> {
  await db
    .updateTable("project")
    .set({ version_limit: settings.versionLimit, trash_days: settings.trashDays })
    .where("id", "=", projectId)
    .execute()
}

/** Projects that keep less than everything. */
export async function listForgetfulProjects(
  db: Reader,
): Promise<readonly (HistorySettings & { readonly id: string })[]> {
  return await db
    .selectFrom("project")
    .select(["id", "version_limit as versionLimit", "trash_days as trashDays"])
    .where((eb) => eb.or([eb("version_limit", "is not", null), eb("trash_days", "is not", null)]))
    .where("is_hidden", "=", 0)
    .orderBy("id")
    .execute()
}

/** Of one secret every version up to this one goes. */
export type Cut = { readonly secretId: string; readonly upTo: number }

/** What the limit of versions takes away; a deletion does not count, so that the trash keeps its value. */
export async function listOverLimit(
  db: Reader,
  of: { readonly projectId: string; readonly versionLimit: number },
  atMost: number,
): Promise<readonly Cut[]> {
  const rows = await db
    .selectFrom("secret_version")
    .select((eb) => [
      "secret_id as secretId",
      eb.fn.max("version").as("newest"),
      eb.fn.max(eb.case().when("op", "=", "delete").then(eb.ref("version")).else(0).end()).as("deleted"),
    ])
    .where("project_id", "=", of.projectId)
    .groupBy("secret_id")
    .having((eb) => eb.fn.countAll<number>(), ">", of.versionLimit)
    .orderBy("secret_id")
    .execute()
  return rows
    .map(({ secretId, newest, deleted }) => {
      const spare = Number(deleted) === Number(newest) ? 1 : 0
      return { secretId, upTo: Number(newest) - of.versionLimit - spare }
    })
    .filter((cut) => cut.upTo > 0)
    .slice(0, atMost)
}

/** What has been in the trash for too long: everything but the record of its deletion. */
export async function listOverdue(
  db: Reader,
  of: { readonly projectId: string; readonly before: number },
  atMost: number,
): Promise<readonly Cut[]> {
  const rows = await db
    .selectFrom("secret_version as d")
    .innerJoin("secret_version as o", (join) =>
      join.onRef("o.secret_id", "=", "d.secret_id").onRef("o.version", "<", "d.version"),
    )
    .leftJoin("secret as s", "s.id", "d.secret_id")
    .select((eb) => ["d.secret_id as secretId", eb.fn.max("o.version").as("upTo")])
    .where("d.project_id", "=", of.projectId)
    .where("d.op", "=", "delete")
    .where("d.at", "<", of.before)
    .where("s.id", "is", null)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom("secret_version as n")
            .select("n.version")
            .whereRef("n.secret_id", "=", "d.secret_id")
            .whereRef("n.version", ">", "d.version"),
        ),
      ),
    )
    .groupBy("d.secret_id")
    .orderBy("d.secret_id")
    .limit(atMost)
    .execute()
  return rows.map(({ secretId, upTo }) => ({ secretId, upTo: Number(upTo) }))
}

export async function cutVersions(db: Writer, projectId: string, cuts: readonly Cut[]): Promise<void> {
  for (const { secretId, upTo } of cuts) {
    await db
      .deleteFrom("secret_version")
      .where("project_id", "=", projectId)
      .where("secret_id", "=", secretId)
      .where("version", "<=", upTo)
      .execute()
  }
}
