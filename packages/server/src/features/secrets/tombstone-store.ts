/** Takes secrets out of the current ones and leaves tombstones in the history. */
import { sql } from "kysely"
import type { Writer } from "../../db/database.ts"
import { isDirect } from "../../db/fixed-statement.ts"
import type { SecretVersionTable } from "../../db/schema.ts"

/** What a tombstone says that neither the current row nor the write does. */
export type Tombstone = {
  readonly id: string
  /** Of the tombstone: one more than that of the current row. */
  readonly version: number
  readonly rowMac: Uint8Array
}

/** Which write the tombstones belong to. */
export type TombstoneWrite = {
  readonly projectId: string
  readonly revision: number
  readonly actorType: string
  readonly actorId: string
  readonly now: number
}

/** How many go by one statement, which gets everything that is said of them as one parameter. */
const perStatement = 5_000

/** @throws Error when one of the secrets is not there in the version before its tombstone */
export async function removeSecrets(
  db: Writer,
  tombstones: readonly Tombstone[],
  by: TombstoneWrite,
): Promise<void> {
  for (let from = 0; from < tombstones.length; from += perStatement) {
    const some = tombstones.slice(from, from + perStatement)
    const numbers = [await insertTombstones(db, some, by), await deleteCurrent(db, some)]
    if (numbers.every((number) => number === some.length)) continue
    throw new Error("secrets that were to be removed are not what they were when their tombstones were made")
  }
}

const columns = [
  "secret_id",
  "version",
  "project_id",
  "revision",
  "op",
  "environment_id",
  "folder_id",
  "key",
  "type",
  "user_id",
  "metadata",
  "tags",
  "row_mac",
  "actor_type",
  "actor_id",
  "at",
] as const satisfies readonly (keyof SecretVersionTable)[]

/** What a secret held stays out of its tombstone; its place, name and tags come from the current row. */
async function insertTombstones(
  db: Writer,
  tombstones: readonly Tombstone[],
  { projectId, revision, actorType, actorId, now }: TombstoneWrite,
): Promise<number> {
  const result = await db
    .insertInto("secret_version")
    .columns(columns)
    .expression((eb) =>
      eb
        .selectFrom(givenBy(db, tombstones).as("given"))
        // A cross join, because SQLite keeps its order: each that is given is looked up by its id.
        .crossJoin("secret as s")
        .whereRef("s.id", "=", "given.id")
        .where("s.project_id", "=", projectId)
        .whereRef("given.version", "=", (e) => e("s.version", "+", 1))
        .select(["s.id", "given.version", "s.project_id"])
        .select((e) => [e.val(revision).as("revision"), e.val("delete").as("op")])
        .select(["s.environment_id", "s.folder_id", "s.key", "s.type", "s.user_id"])
        .select((e) => [e.val("[]").as("metadata"), "s.tags", "given.row_mac"])
        .select((e) => [
          e.val(actorType).as("actor_type"),
          e.val(actorId).as("actor_id"),
          e.val(now).as("at"),
        ]),
    )
    .executeTakeFirst()
  return Number(result.numInsertedOrUpdatedRows ?? 0)
}

async function deleteCurrent(db: Writer, tombstones: readonly Tombstone[]): Promise<number> {
  const result = await db
    .deleteFrom("secret")
    .where("id", "in", (eb) => eb.selectFrom(givenBy(db, tombstones).as("given")).select("given.id"))
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

type Given = { id: string; version: number; row_mac: Uint8Array }

/** Tombstones as a table. */
function givenBy(db: Writer, tombstones: readonly Tombstone[]) {
  const json = JSON.stringify(
    tombstones.map(({ id, version, rowMac }) => {
      return { id, version, mac: Buffer.from(rowMac).toString("hex") }
    }),
  )
  return isDirect(db)
    ? sql<Given>`(select value ->> 'id' as id, value ->> 'version' as version, unhex(value ->> 'mac') as row_mac
        from json_each(${json}))`
    : sql<Given>`(select id, version, decode(mac, 'hex') as row_mac
        from json_to_recordset(cast(${json} as json)) as one (id text, version bigint, mac text))`
}
