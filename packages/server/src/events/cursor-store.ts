/** How far readers that must miss nothing have come in the change feed; it is never cut behind them. */
import type { Reader, Writer } from "../db/database.ts"
import { fixedStatement } from "../db/fixed-statement.ts"

export type Cursor = { readonly projectId: string; readonly consumer: string; readonly revision: number }

/** Starts a reader that must miss nothing after `revision`; does nothing when it has started before. */
export async function startCursor(db: Writer, cursor: Cursor): Promise<void> {
  await db
    .insertInto("change_cursor")
    .values({ project_id: cursor.projectId, consumer: cursor.consumer, revision: cursor.revision })
    .onConflict((conflict) => conflict.columns(["project_id", "consumer"]).doNothing())
    .execute()
}

/** Ends a reader: it holds back nothing any more. */
export async function removeCursor(db: Writer, projectId: string, consumer: string): Promise<void> {
  await db
    .deleteFrom("change_cursor")
    .where("project_id", "=", projectId)
    .where("consumer", "=", consumer)
    .execute()
}

/** Where a reader stands; `undefined` when there is no such reader. */
export async function findCursor(
  db: Reader,
  projectId: string,
  consumer: string,
): Promise<number | undefined> {
  const row = await db
    .selectFrom("change_cursor")
    .select("revision")
    .where("project_id", "=", projectId)
    .where("consumer", "=", consumer)
    .executeTakeFirst()
  return row?.revision
}

/** Moves a reader on, unless another process was faster. @returns whether it was moved */
export async function moveCursor(db: Writer, from: Cursor, to: number): Promise<boolean> {
  const moved = await db
    .updateTable("change_cursor")
    .set({ revision: to })
    .where("project_id", "=", from.projectId)
    .where("consumer", "=", from.consumer)
    .where("revision", "=", from.revision)
    .executeTakeFirst()
  return Number(moved.numUpdatedRows) === 1
}

const selectProjectsBehind = fixedStatement((db, { consumer }: { consumer: string }) =>
  db
    .selectFrom("change_cursor as c")
    .innerJoin("project as p", "p.id", "c.project_id")
    .select("c.project_id")
    .where("c.consumer", "=", consumer)
    .whereRef("p.revision", ">", "c.revision"),
)

/** Projects in which a reader is behind. Asked after every commit. */
export async function listProjectsBehind(db: Reader, consumer: string): Promise<string[]> {
  const rows = await selectProjectsBehind(db, { consumer })
  return rows.map((row) => row.project_id)
}
