/** The only file that writes the tables user_passkey and used_challenge. */
import type { Database, Reader, Writer } from "../../db/database.ts"
import type { UserPasskeyTable } from "../../db/schema.ts"
import type { Passkey } from "./domain.ts"

export async function insertPasskey(db: Writer, passkey: Passkey): Promise<boolean> {
  const result = await db
    .insertInto("user_passkey")
    .values({
      id: passkey.id,
      user_id: passkey.userId,
      name: passkey.name,
      public_key: passkey.publicKeyBytes,
      counter: passkey.counter,
      transports: JSON.stringify(passkey.transports),
      created_at: passkey.createdAt,
      last_used_at: passkey.lastUsedAt,
    })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** A user's passkeys, oldest first. */
export async function listPasskeys(db: Reader, userId: string): Promise<Passkey[]> {
  const rows = await db
    .selectFrom("user_passkey")
    .selectAll()
    .where("user_id", "=", userId)
    .orderBy("created_at")
    .orderBy("id")
    .limit(100)
    .execute()
  return rows.map(passkeyOf)
}

/** `undefined` when nobody has it. */
export async function findPasskey(db: Reader, id: string): Promise<Passkey | undefined> {
  const row = await db.selectFrom("user_passkey").selectAll().where("id", "=", id).executeTakeFirst()
  return row === undefined ? undefined : passkeyOf(row)
}

/**
 * Moves the signature counter forward, as the device did; false when another answer was faster, or the passkey is gone.
 * Devices that synchronise passkeys keep the counter at 0.
 */
export async function advanceCounter(
  db: Writer,
  id: string,
  change: { readonly counter: number; readonly now: number },
): Promise<boolean> {
  const result = await db
    .updateTable("user_passkey")
    .set({ counter: change.counter, last_used_at: change.now })
    .where("id", "=", id)
    .where((eb) => (change.counter === 0 ? eb("counter", "=", 0) : eb("counter", "<", change.counter)))
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** False when the user has no such passkey. */
export async function renamePasskey(
  db: Writer,
  of: { readonly userId: string; readonly id: string },
  name: string,
): Promise<boolean> {
  const result = await db
    .updateTable("user_passkey")
    .set({ name })
    .where("id", "=", of.id)
    .where("user_id", "=", of.userId)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** All of a user's. */
export async function removePasskeys(db: Writer, userId: string): Promise<void> {
  await db.deleteFrom("user_passkey").where("user_id", "=", userId).execute()
}

/** False when the user has no such passkey. */
export async function removePasskey(
  db: Writer,
  of: { readonly userId: string; readonly id: string },
): Promise<boolean> {
  const result = await db
    .deleteFrom("user_passkey")
    .where("id", "=", of.id)
    .where("user_id", "=", of.userId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** Uses a challenge up; false when it was answered before. */
export async function takeChallenge(
  db: Writer,
  challenge: { readonly text: string; readonly expiresAt: number },
): Promise<boolean> {
  const result = await db
    .insertInto("used_challenge")
    .values({ id: challenge.text, expires_at: challenge.expiresAt })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Whether a challenge was answered already. */
export async function isChallengeUsed(db: Reader, challenge: { readonly text: string }): Promise<boolean> {
  const query = db.selectFrom("used_challenge").select("id").where("id", "=", challenge.text)
  return (await query.executeTakeFirst()) !== undefined
}

/** Housekeeping: challenges that expired work no more, used or not. */
export async function pruneChallenges(deps: {
  readonly database: Database
  readonly clock: { now(): number }
}): Promise<void> {
  await deps.database.write(async ({ db }) => {
    await db.deleteFrom("used_challenge").where("expires_at", "<=", deps.clock.now()).execute()
  })
}

function passkeyOf(row: UserPasskeyTable): Passkey {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    publicKeyBytes: row.public_key,
    counter: row.counter,
    transports: JSON.parse(row.transports) as string[],
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }
}
