/** The only file that writes the tables organization and instance_setting. */
import type { Reader, Writer } from "../../db/database.ts"

export type Organization = { readonly id: string; readonly name: string; readonly slug: string }

const bootstrapped = "bootstrapped_at"
const setupTokenPrefix = "setup_token:"

export async function isBootstrapped(db: Reader): Promise<boolean> {
  const row = await db
    .selectFrom("instance_setting")
    .select("name")
    .where("name", "=", bootstrapped)
    .executeTakeFirst()
  return row !== undefined
}

/** Claims the one bootstrap there is; false when someone else has it. */
export async function claimBootstrap(db: Writer, now: number): Promise<boolean> {
  const result = await db
    .insertInto("instance_setting")
    .values({ name: bootstrapped, value: String(now), updated_at: now })
    .onConflict((conflict) => conflict.column("name").doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

export async function insertOrganization(db: Writer, organization: Organization, now: number): Promise<void> {
  await db
    .insertInto("organization")
    .values({ ...organization, created_at: now, updated_at: now })
    .execute()
}

/** Setup tokens are kept as hashes, one per start of a server; old ones are forgotten. */
export async function insertSetupToken(
  db: Writer,
  hashHex: string,
  at: { readonly now: number; readonly forgetBefore: number },
): Promise<void> {
  await db
    .deleteFrom("instance_setting")
    .where("name", "like", `${setupTokenPrefix}%`)
    .where("updated_at", "<", at.forgetBefore)
    .execute()
  await db
    .insertInto("instance_setting")
    .values({ name: setupTokenPrefix + hashHex, value: "", updated_at: at.now })
    .execute()
}

export async function isSetupToken(db: Reader, hashHex: string): Promise<boolean> {
  const row = await db
    .selectFrom("instance_setting")
    .select("name")
    .where("name", "=", setupTokenPrefix + hashHex)
    .executeTakeFirst()
  return row !== undefined
}

export async function removeSetupTokens(db: Writer): Promise<void> {
  await db.deleteFrom("instance_setting").where("name", "like", `${setupTokenPrefix}%`).execute()
}
