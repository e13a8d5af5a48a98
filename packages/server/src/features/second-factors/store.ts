/** The only file that writes the tables user_totp and user_recovery_code. */
import type { Reader, Writer } from "../../db/database.ts"

export type Totp = {
  readonly userId: string
  readonly secretSealed: Uint8Array
  /** `null` while it does not count yet. */
  readonly confirmedAt: number | null
  /** This time step and all before are burnt. */
  readonly lastStep: number
  readonly createdAt: number
}

/** `undefined` when the user began no enrolment. */
export async function findTotp(db: Reader, userId: string): Promise<Totp | undefined> {
  const row = await db.selectFrom("user_totp").selectAll().where("user_id", "=", userId).executeTakeFirst()
  if (row === undefined) return undefined
  return {
    userId: row.user_id,
    secretSealed: row.secret_sealed,
    confirmedAt: row.confirmed_at,
    lastStep: row.last_step,
    createdAt: row.created_at,
  }
}

/** Begins an enrolment, in place of one that was never confirmed; false when there is a confirmed one. */
export async function saveUnconfirmedTotp(
  db: Writer,
  of: { readonly userId: string; readonly secretSealed: Uint8Array; readonly now: number },
): Promise<boolean> {
  const values = { secret_sealed: of.secretSealed, confirmed_at: null, last_step: 0, created_at: of.now }
  const result = await db
    .insertInto("user_totp")
    .values({ user_id: of.userId, ...values })
    .onConflict((conflict) =>
      conflict.column("user_id").doUpdateSet(values).where("user_totp.confirmed_at", "is", null),
    )
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

export async function confirmTotp(db: Writer, userId: string, now: number): Promise<void> {
  await db.updateTable("user_totp").set({ confirmed_at: now }).where("user_id", "=", userId).execute()
}

/** Burns a time step; false when it, or a later one, was burnt already. */
export async function burnStep(db: Writer, userId: string, step: number): Promise<boolean> {
  const result = await db
    .updateTable("user_totp")
    .set({ last_step: step })
    .where("user_id", "=", userId)
    .where("last_step", "<", step)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export async function removeTotp(db: Writer, userId: string): Promise<void> {
  await db.deleteFrom("user_totp").where("user_id", "=", userId).execute()
}

/** New codes in place of all there were. */
export async function replaceRecoveryCodes(
  db: Writer,
  userId: string,
  codes: { readonly hashes: readonly Uint8Array[]; readonly now: number },
): Promise<void> {
  await removeRecoveryCodes(db, userId)
  const rows = codes.hashes.map((hash) => ({
    user_id: userId,
    code_hash: hash,
    used_at: null,
    created_at: codes.now,
  }))
  await db.insertInto("user_recovery_code").values(rows).execute()
}

/** Uses a code up; false when there is no such code or it was used. */
export async function useRecoveryCode(
  db: Writer,
  of: { readonly userId: string; readonly hash: Uint8Array; readonly now: number },
): Promise<boolean> {
  const result = await db
    .updateTable("user_recovery_code")
    .set({ used_at: of.now })
    .where("user_id", "=", of.userId)
    .where("code_hash", "=", of.hash)
    .where("used_at", "is", null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export async function countRecoveryCodes(db: Reader, userId: string): Promise<number> {
  const { count } = await db
    .selectFrom("user_recovery_code")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("user_id", "=", userId)
    .where("used_at", "is", null)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function removeRecoveryCodes(db: Writer, userId: string): Promise<void> {
  await db.deleteFrom("user_recovery_code").where("user_id", "=", userId).execute()
}

export async function hasPasskey(db: Reader, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom("user_passkey")
    .select("id")
    .where("user_id", "=", userId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
