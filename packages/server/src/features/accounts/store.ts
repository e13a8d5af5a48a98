/** Members of an organization as administrators see them; the only file that names password_reset. */
import { sql } from "kysely"
import type { Reader, Writer } from "../../db/database.ts"
import type { Member } from "./domain.ts"

function members(db: Reader, orgId: string) {
  return db
    .selectFrom("organization_membership as m")
    .innerJoin("user_account as u", "u.id", "m.actor_id")
    .where("m.org_id", "=", orgId)
    .where("m.actor_type", "=", "user")
}

function memberRows(db: Reader, orgId: string) {
  return members(db, orgId).select((eb) => [
    "u.id",
    "u.email",
    "u.first_name",
    "u.last_name",
    "u.password_hash",
    "m.role",
    "m.is_active",
    "m.created_at",
    eb
      .selectFrom("user_totp as t")
      .select((totp) => totp.fn.countAll<number>().as("count"))
      .whereRef("t.user_id", "=", "u.id")
      .where("t.confirmed_at", "is not", null)
      .as("totps"),
    eb
      .selectFrom("user_passkey as p")
      .select((passkey) => passkey.fn.countAll<number>().as("count"))
      .whereRef("p.user_id", "=", "u.id")
      .as("passkeys"),
    eb
      .selectFrom("user_session as s")
      .select((session) => session.fn.max("s.created_at").as("newest"))
      .whereRef("s.user_id", "=", "u.id")
      .as("last_login_at"),
  ])
}

type MemberRow = Awaited<ReturnType<ReturnType<typeof memberRows>["execute"]>>[number]

function memberOf(row: MemberRow): Member {
  return {
    userId: row.id,
    email: row.email,
    firstName: row.first_name,
    lastName: row.last_name,
    role: row.role,
    isActive: row.is_active === 1,
    hasPassword: row.password_hash !== "",
    hasSecondFactor: (row.totps ?? 0) > 0 || (row.passkeys ?? 0) > 0,
    joinedAt: row.created_at,
    lastLoginAt: row.last_login_at,
  }
}

export type MemberPage = {
  /** Part of the e-mail address, canonical. */
  readonly email: string | undefined
  readonly offset: number
  readonly limit: number
}

/** Members by e-mail. */
export async function listMembers(
  db: Reader,
  orgId: string,
  page: MemberPage,
): Promise<{ readonly members: readonly Member[]; readonly totalCount: number }> {
  const { email } = page
  const isMeant = sql<boolean>`u.email like ${`%${escapeLike(email ?? "")}%`} escape '\\'`
  const rows = await memberRows(db, orgId)
    .where(isMeant)
    .orderBy("u.email")
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const { count } = await members(db, orgId)
    .where(isMeant)
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow()
  return { members: rows.map(memberOf), totalCount: Number(count) }
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, (character) => `\\${character}`)
}

/** `undefined` when the user does not belong to the organization. */
export async function findMember(db: Reader, orgId: string, userId: string): Promise<Member | undefined> {
  const row = await memberRows(db, orgId).where("u.id", "=", userId).executeTakeFirst()
  return row === undefined ? undefined : memberOf(row)
}

/** One change of members at a time per organization: the count of its administrators stays right until the write ends. */
export async function lockOrganization(db: Writer, orgId: string): Promise<void> {
  await db
    .updateTable("organization")
    .set((eb) => ({ updated_at: eb.ref("updated_at") }))
    .where("id", "=", orgId)
    .execute()
}

/** Administrators who are active people, without the given one. */
export async function countOtherAdmins(db: Reader, orgId: string, userId: string): Promise<number> {
  const { count } = await members(db, orgId)
    .where("m.role", "=", "admin")
    .where("m.is_active", "=", 1)
    .where("u.id", "!=", userId)
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Other organizations that the user belongs to, active there or not. */
export async function countOtherOrganizations(
  db: Reader,
  of: { readonly orgId: string; readonly userId: string },
): Promise<{ readonly all: number; readonly active: number }> {
  const rows = await db
    .selectFrom("organization_membership")
    .select("is_active")
    .where("org_id", "!=", of.orgId)
    .where("actor_type", "=", "user")
    .where("actor_id", "=", of.userId)
    .limit(1_000)
    .execute()
  return { all: rows.length, active: rows.filter((row) => row.is_active === 1).length }
}

export async function removeReset(db: Writer, userId: string): Promise<void> {
  await db.deleteFrom("password_reset").where("user_id", "=", userId).execute()
}

export type PasswordReset = {
  readonly userId: string
  readonly tokenHash: Uint8Array
  readonly createdBy: string
  readonly createdAt: number
  readonly expiresAt: number
}

/** One per user: the newest takes the place of an older one. */
export async function saveReset(db: Writer, reset: PasswordReset): Promise<void> {
  const values = {
    token_hash: reset.tokenHash,
    created_by: reset.createdBy,
    created_at: reset.createdAt,
    expires_at: reset.expiresAt,
  }
  await db
    .insertInto("password_reset")
    .values({ user_id: reset.userId, ...values })
    .onConflict((conflict) => conflict.column("user_id").doUpdateSet(values))
    .execute()
}

/** Whose reset it is; `undefined` when there is none or it is too old. */
export async function findReset(db: Reader, tokenHash: Uint8Array, now: number): Promise<string | undefined> {
  const row = await db
    .selectFrom("password_reset")
    .select("user_id")
    .where("token_hash", "=", tokenHash)
    .where("expires_at", ">", now)
    .executeTakeFirst()
  return row?.user_id
}

/** Uses a reset up; false when somebody was faster. */
export async function takeReset(db: Writer, tokenHash: Uint8Array, now: number): Promise<boolean> {
  const result = await db
    .deleteFrom("password_reset")
    .where("token_hash", "=", tokenHash)
    .where("expires_at", ">", now)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

export async function removeOldResets(db: Writer, now: number): Promise<void> {
  await db.deleteFrom("password_reset").where("expires_at", "<=", now).execute()
}
