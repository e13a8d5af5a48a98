/** The only file that writes the table user_account and, for users, organization_membership. */
import type { Reader, Writer } from "../../db/database.ts"

export type User = {
  readonly id: string
  /** Canonical. */
  readonly email: string
  readonly firstName: string
  readonly lastName: string
  /** "" when the user has no password. */
  readonly passwordHash: string
}

/** What a user is in an organization. */
export type OrganizationMembership = {
  readonly orgId: string
  readonly orgName: string
  readonly orgSlug: string
  readonly role: string
}

const userColumns = ["id", "email", "first_name", "last_name", "password_hash"] as const

function userOf(row: {
  readonly id: string
  readonly email: string
  readonly first_name: string
  readonly last_name: string
  readonly password_hash: string
}): User {
  return {
    id: row.id,
    email: row.email,
    firstName: row.first_name,
    lastName: row.last_name,
    passwordHash: row.password_hash,
  }
}

/** @param email canonical; `undefined` when nobody has it */
export async function findUserByEmail(db: Reader, email: string): Promise<User | undefined> {
  const row = await db
    .selectFrom("user_account")
    .select(userColumns)
    .where("email", "=", email)
    .executeTakeFirst()
  return row === undefined ? undefined : userOf(row)
}

/** `undefined` when there is no such user. */
export async function findUser(db: Reader, id: string): Promise<User | undefined> {
  const row = await db.selectFrom("user_account").select(userColumns).where("id", "=", id).executeTakeFirst()
  return row === undefined ? undefined : userOf(row)
}

/** @param user without a password when `passwordHash` is "" */
export async function insertUser(
  db: Writer,
  user: User & { readonly isSuperAdmin?: boolean },
  now: number,
): Promise<void> {
  await db
    .insertInto("user_account")
    .values({
      id: user.id,
      email: user.email,
      first_name: user.firstName,
      last_name: user.lastName,
      password_hash: user.passwordHash,
      super_admin: user.isSuperAdmin === true ? 1 : 0,
      created_at: now,
      updated_at: now,
    })
    .execute()
}

/** Replaces the password if it still is the one of `oldHash`; false when it was changed meanwhile. */
export async function replacePasswordHash(
  db: Writer,
  userId: string,
  change: { readonly oldHash: string; readonly newHash: string; readonly now: number },
): Promise<boolean> {
  const result = await db
    .updateTable("user_account")
    .set({ password_hash: change.newHash, updated_at: change.now })
    .where("id", "=", userId)
    .where("password_hash", "=", change.oldHash)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Whether the user's password still is the one of `hash`. Locks the row until the write ends. */
export async function lockPassword(db: Writer, userId: string, hash: string): Promise<boolean> {
  const row = await db
    .updateTable("user_account")
    .set((eb) => ({ epoch: eb.ref("epoch") }))
    .where("id", "=", userId)
    .where("password_hash", "=", hash)
    .returning("id")
    .executeTakeFirst()
  return row !== undefined
}

/** Sets another password, whatever the old one was; "" for none. */
export async function setPasswordHash(
  db: Writer,
  userId: string,
  change: { readonly hash: string; readonly now: number },
): Promise<void> {
  await db
    .updateTable("user_account")
    .set({ password_hash: change.hash, updated_at: change.now })
    .where("id", "=", userId)
    .execute()
}

export async function insertMembership(
  db: Writer,
  of: { readonly id: string; readonly orgId: string; readonly userId: string; readonly role: string },
  now: number,
): Promise<void> {
  await db
    .insertInto("organization_membership")
    .values({
      id: of.id,
      org_id: of.orgId,
      actor_type: "user",
      actor_id: of.userId,
      role: of.role,
      created_at: now,
      updated_at: now,
    })
    .execute()
}

/** Gives a member of an organization another role, or makes it active or not. */
export async function changeMembership(
  db: Writer,
  of: { readonly orgId: string; readonly userId: string },
  change: { readonly role: string; readonly isActive: boolean; readonly now: number },
): Promise<void> {
  await db
    .updateTable("organization_membership")
    .set({ role: change.role, is_active: change.isActive ? 1 : 0, updated_at: change.now })
    .where("org_id", "=", of.orgId)
    .where("actor_type", "=", "user")
    .where("actor_id", "=", of.userId)
    .execute()
}

/** Takes a user out of an organization; what it has there is for its owners to remove. */
export async function removeMembership(
  db: Writer,
  of: { readonly orgId: string; readonly userId: string },
): Promise<void> {
  await db
    .deleteFrom("organization_membership")
    .where("org_id", "=", of.orgId)
    .where("actor_type", "=", "user")
    .where("actor_id", "=", of.userId)
    .execute()
}

export async function setNames(
  db: Writer,
  userId: string,
  names: { readonly firstName: string; readonly lastName: string },
): Promise<void> {
  await db
    .updateTable("user_account")
    .set({ first_name: names.firstName, last_name: names.lastName })
    .where("id", "=", userId)
    .execute()
}

/** Organizations in which the user is an active member, the oldest membership first. */
export async function listOrganizationsOf(db: Reader, userId: string): Promise<OrganizationMembership[]> {
  const rows = await db
    .selectFrom("organization_membership as m")
    .innerJoin("organization as o", "o.id", "m.org_id")
    .select(["o.id", "o.name", "o.slug", "m.role"])
    .where("m.actor_type", "=", "user")
    .where("m.actor_id", "=", userId)
    .where("m.is_active", "=", 1)
    .orderBy("m.created_at")
    .orderBy("o.id")
    .limit(1_000)
    .execute()
  return rows.map((row) => ({ orgId: row.id, orgName: row.name, orgSlug: row.slug, role: row.role }))
}

/** Whether the user can show a one-time password. */
export async function hasConfirmedTotp(db: Reader, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom("user_totp")
    .select("user_id")
    .where("user_id", "=", userId)
    .where("confirmed_at", "is not", null)
    .executeTakeFirst()
  return row !== undefined
}
